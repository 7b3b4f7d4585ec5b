"""A clock of whole seconds advances, too; one that stands still does not, however precise it is."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gate.failures import CheckFailure
from probes.timing.deadlines import Deadlines
from suites import test_health as suite
from targets.loading import describe_target

CONTRACT = describe_target("local").contract


async def ask(monkeypatch: pytest.MonkeyPatch, *said: datetime) -> int:
    """Judge answers with these times, without a wait; the number of answers that were asked for."""
    left = [moment.isoformat() for moment in said]

    async def get(_path: str, *, deadline_s: float) -> object:
        body = {CONTRACT.health.timestamp_field: left.pop(0)}
        return SimpleNamespace(json_object=lambda: body, deadline_s=deadline_s)

    door: Any = SimpleNamespace(get=get)
    clock: Any = None  # asked only where the answer's time is not near ours
    monkeypatch.setattr(suite, "SECOND_S", 0.0)
    await suite.test_the_timestamp_is_of_now(door, CONTRACT, Deadlines(), clock)
    return len(said) - len(left)


async def test_the_same_whole_second_is_asked_again_a_second_later(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = datetime.now(UTC).replace(microsecond=0)
    assert await ask(monkeypatch, whole, whole, whole + timedelta(seconds=1)) == 3
    with pytest.raises(CheckFailure, match="twice or backwards"):
        await ask(monkeypatch, whole, whole, whole)


async def test_a_precise_clock_advances_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    precise = datetime.now(UTC).replace(microsecond=5)
    assert await ask(monkeypatch, precise, precise + timedelta(microseconds=1), precise) == 2
    for later in (precise, precise - timedelta(seconds=1)):
        with pytest.raises(CheckFailure, match="twice or backwards"):
            await ask(monkeypatch, precise, later, precise + timedelta(seconds=1))
