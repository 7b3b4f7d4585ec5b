"""Healthy answers that were once judged wrongly, and bad ones that passed: each has its test here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from gate.outcomes import Outcome
from gate.plan import Plan
from suites import test_websocket_protocol
from targets.model import QuickSizes, Sizes, Target
from tests.fuzz.judging import CASES, Judged, judge
from tests.fuzz.memory import Spoiler
from tests.fuzz.resolving import Case
from tests.fuzz.world import Wire, World

Change = Callable[[str, Wire], Wire]


@dataclass
class ChangedWorld(World):
    """A world of which some answers are otherwise."""

    change: Change = lambda _target, wire: wire

    def answer(self, door: str, method: str, target: str, headers: Any, body: Any) -> Wire:  # noqa: ANN401 - as its base
        """One request's answer, changed."""
        return self.change(target, super().answer(door, method, target, headers, body))


def case_of(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


async def judged(name: str, target: Target, plan: Plan, change: Change) -> Judged:
    return await judge(case_of(name), target, plan, Spoiler(None), ChangedWorld(target.contract, change=change))


def with_body(path: str, old: bytes, new: bytes) -> Change:
    """The answers of a path, with something else in their bodies."""

    def change(target: str, wire: Wire) -> Wire:
        status, headers, body = wire
        return (status, headers, body.replace(old, new)) if target.startswith(path) else wire

    return change


async def test_a_count_is_no_port(target: Target, plan: Plan) -> None:
    change = with_body("/health/detailed", b'"total": 3', b'"total": 2000')
    assert (await judged("health.it_tells_no_internals-0", target, plan, change)).outcome is Outcome.PASSED
    change = with_body("/health/detailed", b'"environment": "staging"', b'"environment": "db.internal:5432"')
    assert (await judged("health.it_tells_no_internals-0", target, plan, change)).outcome is Outcome.FAILED


@pytest.mark.parametrize("status", [404, 500, 302])
async def test_what_is_not_answered_is_not_silent(target: Target, plan: Plan, status: int) -> None:
    found = await judged("health.it_tells_no_internals-0", target, plan, lambda _, wire: (status, wire[1], b"{}"))
    assert found.outcome is Outcome.FAILED


async def test_refusals_may_say_when_they_were_made(target: Target, plan: Plan) -> None:
    made: list[str] = []

    def stamped(said: str) -> Change:
        def change(_: str, wire: Wire) -> Wire:
            made.append(
                f'{{"detail": "{said}", "timestamp": "{datetime.now(UTC).isoformat()}", "trace_id": "{len(made)}"}}'
            )
            return 401, wire[1], made[-1].replace("NUMBER", str(len(made))).encode()

        return change

    found = await judged("auth.refusals_look_alike-0", target, plan, stamped("no"))
    assert (found.outcome, len(set(made))) == (Outcome.PASSED, len(made))
    assert (await judged("auth.refusals_look_alike-0", target, plan, stamped("no, NUMBER"))).outcome is Outcome.FAILED


async def test_a_window_ends_by_now_and_a_share_is_at_most_one(target: Target, plan: Plan) -> None:
    found = await judged("logs.there_is_no_server_error-0", target, plan, lambda _, wire: wire)
    assert found.outcome is Outcome.PASSED, found.said
    figures = found.resolver.given["recorder"].parts()["figures"]
    assert figures
    for figure in figures:
        end = datetime.fromisoformat(figure.window.partition(" to ")[2])
        assert end <= datetime.now(UTC)
        assert 0 <= figure.details.get("share_at_most", 0) <= 1


async def test_an_error_message_is_allowed_for_what_is_too_large(target: Target, plan: Plan) -> None:
    function, case = test_websocket_protocol.test_frames_are_taken_as_the_protocol_says, {"case": "oversize"}
    assert target.contract.websocket.after.oversize == "error or close"
    found = await judge(Case(function, case, "oversize"), target, plan, Spoiler(None), World(target.contract))
    assert found.outcome is Outcome.PASSED, found.said


def test_quick_is_less_than_usual_for_a_target_that_says_nothing_of_it() -> None:
    usual, quick = Sizes(), QuickSizes()
    assert quick.latency_calls < usual.latency_calls
    assert quick.agreement_rounds < usual.agreement_rounds
    assert quick.steady_s < usual.steady_s
