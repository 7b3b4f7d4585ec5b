"""The live line on a terminal: family, what is done, the case, how long it took the last time; a long wait says why."""

import os
import pty
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from gate.outcomes import Outcome
from gate.run import Result
from gate.session.live_progress import Live
from probes.timing.waiting import await_steady
from tests.gate.documents import make_check


@contextmanager
def terminal() -> Iterator[tuple[IO[str], int]]:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as file:
        yield file, ours
    os.close(ours)


def everything(terminal: int) -> str:
    """What has been written to the terminal by now."""
    said = b""
    while select.select([terminal], [], [], 0)[0]:
        said += os.read(terminal, 100_000)
    return said.decode()


def test_the_live_line_names_family_case_and_how_long_it_usually_takes() -> None:
    declared = make_check("logs.canary", remedy="")
    with terminal() as (file, ours):
        live = Live(file, verbose=False, expected=lambda: {"logs.canary": 12.34})
        live.begin(Result(check=declared, case="", outcome=Outcome.BROKEN))
        live.say("waiting, 20 s more at most: 3 entries")
        live._progress.refresh()
        live.close()
        said = everything(ours)
    assert "logs" in said
    assert "logs.canary" in said
    assert "last time 12.3 s" in said
    assert "20 s more at most" in said


async def test_a_long_wait_says_for_what_and_how_long_still() -> None:
    told: list[str] = []
    left = iter(["2 entries", "5 entries", ""])

    async def look() -> str:
        return next(left)

    assert (await await_steady(look, in_a_row=1, deadline_s=60, narrate=told.append)).steady
    assert [line.partition(": ")[2] for line in told] == ["2 entries", "5 entries"]
    assert all(line.startswith("waiting, ") and "s more at most" in line for line in told)
