"""A store in a folder and the gate over it, with the runs of one revision: smoke, soak, day."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema

from gate.document import SCHEMA
from gate.outcomes import Outcome
from gate.release.conclusion import Frame, conclude
from gate.release.gathering import gather
from gate.release.store import Store
from gate.run import new_run_id
from gate.verdict import Key
from gate.verdict_document import Document, GatePart, Row, encode
from tests.gate.release.stores import NEEDS, START, shard, stored, window

P, F, B, PENDING = Outcome.PASSED, Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING
A: Key = ("threads.order", "")
C: Key = ("auth.accepts", "rest")
SOAK: Key = ("websocket.one-hour", "")
DAY: Key = ("logs.zero-500-day", "")
REQUIRED = {"smoke": frozenset({A, C}), "soak": frozenset({SOAK}), "day": frozenset({DAY})}
NOW = START + timedelta(days=2)


class Release:
    """A store in a folder, and the gate over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(str(folder))

    def add(self, *documents: Document) -> None:
        for one in documents:
            self.store.put(one)

    def judge(
        self, revision: str = "", required: dict[str, frozenset[Key]] | None = None, now: datetime = NOW
    ) -> Document:
        frame = Frame(
            target="mini",
            environment="local",
            profile="full",
            required=required or REQUIRED,
            revision=revision,
            needs=NEEDS,
        )
        document = conclude(gather(self.store, "mini"), frame, new_run_id(), now)
        jsonschema.validate(json.loads(encode(document)), json.loads(SCHEMA.read_text()))
        return document

    def outcome(self, key: Key, document: Document | None = None) -> Row:
        return next(row for row in (document or self.judge()).checks if row.key == key)


def given(document: Document) -> GatePart:
    assert document.gate is not None
    return document.gate


def smoke(outcome: Outcome = P, **more: Any) -> Document:  # noqa: ANN401 - passed on
    return stored({A: outcome, C: P}, **more)


def soak(number: int, of: int = 2, **more: Any) -> Document:  # noqa: ANN401 - passed on
    return stored(
        {SOAK: P if of == 1 else PENDING},
        phase="soak",
        at_h=1 + number / 100,
        accruals={SOAK: [shard(number, of, **more)]},
    )


def day(start_h: float, end_h: float, **more: Any) -> Document:  # noqa: ANN401 - passed on
    return stored(
        {DAY: F if more.get("events") else PENDING},
        phase="day",
        at_h=end_h,
        accruals={DAY: [window(start_h, end_h, **more)]},
    )


def whole(release: Release) -> None:
    release.add(smoke(), soak(0), soak(1), *(day(hour, hour + 6) for hour in (0, 6, 12, 18)))
