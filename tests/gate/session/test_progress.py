"""The live line on a terminal: family, what is done, the case, how long it took the last time; a long wait says why."""

import io
import os
import pty
import select
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import IO

import pytest

from gate.outcomes import Outcome
from gate.run import Result
from gate.session import live_progress
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


class Clock:
    """The time that the lines are measured by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(live_progress, "time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def result(name: str, outcome: Outcome = Outcome.PASSED, case: str = "") -> Result:
    return Result(check=make_check(name), case=case, outcome=outcome)


def shown(clock: Clock, *results: tuple[Result, float], verbose: bool = False) -> list[str]:
    """What is printed without a terminal of these results, each of which took so long."""
    file = io.StringIO()
    live = Live(file, verbose=verbose)
    for one, took in results:
        live.begin(one)
        clock.now += took
        live.end(one)
    live.close()
    live.close()
    return file.getvalue().splitlines()


def test_a_family_is_a_line_with_its_outcomes_and_its_time(clock: Clock) -> None:
    lines = shown(
        clock,
        (result("auth.a"), 0.25),
        (result("auth.b", Outcome.FAILED), 0.5),
        (result("auth.c"), 0.25),
        (result("logs.a", Outcome.PENDING), 2.0),
        (result("logs.b", Outcome.BROKEN, case="[x]"), 2.5),
    )
    assert lines == [
        "auth          2 PASSED, 1 FAILED  1.0 s",
        "  logs.b[[x]] took 2.5 s",
        "logs          1 BROKEN, 1 PENDING  4.5 s",
    ]


def test_a_family_whose_cases_come_in_parts_says_how_many_come_later(clock: Clock) -> None:
    first, logs, again, last = result("auth.a"), result("logs.a"), result("auth.b"), result("auth.c", case="x")
    file = io.StringIO()
    live = Live(file, verbose=False)
    live.plan([first, logs, again, last])
    for tried in (first, first, logs, again):  # the first case twice
        live.begin(tried)
        clock.now += 1.0
        live.end(tried)
    live.close()
    assert file.getvalue().splitlines() == [
        "auth          2 PASSED  2.0 s  (2 later)",
        "logs          1 PASSED  1.0 s",
        "auth          1 PASSED  1.0 s  (1 later)",
    ]


def test_with_v_every_case_is_a_line(clock: Clock) -> None:
    lines = shown(clock, (result("auth.a", case="b"), 3.0), verbose=True)
    assert lines == ["PASSED auth.a[b]  3.00 s", "auth          1 PASSED  3.0 s"]


def test_progress_is_a_line_every_ten_seconds(clock: Clock) -> None:
    file = io.StringIO()
    live = Live(file, verbose=False)
    for second, text in ((0, "one"), (9.9, "two"), (10, "[three]"), (15, "four"), (20, "five")):
        clock.now = 100.0 + second
        live.say(text)
    assert file.getvalue().splitlines() == ["  one", "  [three]", "  five"]


def test_how_long_it_took_the_last_time_is_said_from_a_second_on_and_only_on_a_terminal() -> None:
    with terminal() as (file, _):
        live = Live(file, verbose=False, expected=lambda: {"a.b": 1.0, "a.c": 0.9})
        live._family, live._results = "a", [result("a.x")]
        assert live._case(result("a.b")) == "[dim]a             1 done, now [/]a.b [dim](last time 1.0 s)[/]"
        assert live._case(result("a.c")) == "[dim]a             1 done, now [/]a.c"
        assert Live(file, verbose=True, expected=lambda: {"a.b": 9.0})._case(result("a.b")).endswith("a.b")
    assert Live(io.StringIO(), verbose=False, expected=lambda: {"a.b": 9.0})._expected == {}
