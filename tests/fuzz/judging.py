"""What a check comes to over a world in memory."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from fixtures.pace import Family
from fixtures.sockets import SocketDoor
from fixtures.target import pytest_gate_classify
from gate.failures import Judgement
from gate.outcomes import Outcome
from gate.plan import Plan
from targets.model import Target
from tests.fuzz.memory import Spoiler, given
from tests.fuzz.resolving import Case, Resolver, all_cases, all_wants, can_resolve
from tests.fuzz.world import World

ALIASES = {"live_release": "release", "live_source": "cloud_logging", "proof_of_life": "canary"}
NAMES = frozenset(
    [
        "target",
        "contract",
        "run",
        "identity",
        "recorder",
        "deadlines",
        "sizes",
        "clock",
        "backend_client",
        "auth_client",
        "seeder",
        "message_writer",
        "cloud_logging",
        "twin",
        "user_pool",
        "provoked_503s",
        "cloud_run",
        "narrate",
        "outages",
        "export",
        "exported_log",
        "login",
        "network",
        "sockets",
        "family",
        "live_release",
        "live_source",
        "proof_of_life",
        "look_for_bad_rows",
    ]
)
CASE_S = 300.0  # a hang, on however busy a machine
# These hold sessions for seconds, write frames to a socket of their own, or wait for what a world in memory has not.
ELSEWHERE = (
    "sessions_stay_open",
    "as_the_protocol_says",
    "every_tab_lives",
    "agent_answers",
    "as_they_were_said-2",  # by the agent
    "as_they_were_said-3",  # in two threads at once
    "fallback_answers",
    "answers_something",
)
CASES = [
    case for case in all_cases() if can_resolve(case.wants, NAMES) and not any(one in case.name for one in ELSEWHERE)
]


@dataclass(frozen=True)
class Judged:
    """An outcome, what was said, and the fixtures as they were."""

    outcome: Outcome
    said: str
    resolver: Resolver


async def judge(case: Case, target: Target, plan: Plan, spoiler: Spoiler, world: World) -> Judged:
    """What a case comes to. Raises what no suite foresees."""
    async with AsyncExitStack() as stack:
        resolver = Resolver(given(target, plan, spoiler, world), stack)
        resolver.given["look_for_bad_rows"] = nobody_looks
        try:
            async with asyncio.timeout(CASE_S):
                for alias, name in ALIASES.items():
                    if alias in case_wants(case):
                        resolver.given[alias] = await resolver.get(name)
                if "family" in case_wants(case):
                    resolver.given["family"] = await alone(resolver)
                if "sockets" in case_wants(case):
                    resolver.given["sockets"] = await socket_door(resolver, stack)
                await resolver.run(case)
        except Judgement as judgement:
            return Judged(judgement.outcome, str(judgement), resolver)
        except Exception as error:
            known = pytest_gate_classify(error)
            if known is None:
                raise
            return Judged(known.outcome, str(known), resolver)
        return Judged(Outcome.PASSED, "", resolver)


async def socket_door(resolver: Resolver, stack: AsyncExitStack) -> SocketDoor:
    """The WebSocket's door, whose sessions end with the stack."""
    return SocketDoor(
        doorway=resolver.given["doorway"],
        tokens=await resolver.get("tokens"),
        recorder=resolver.given["recorder"],
        stack=stack,
        entry=await resolver.get("socket_entry"),
        pool=resolver.given["user_pool"],
        pace=await resolver.get("pace"),
    )


async def alone(resolver: Resolver) -> Family:
    """A case without the others of its test."""
    recorder, now = resolver.given["recorder"], resolver.given["clock"].now
    return Family(cases=(), recorder=recorder, pace=await resolver.get("pace"), asked={}, now=now)


async def nobody_looks() -> None:
    """There is no table to look into."""


def case_wants(case: Case) -> frozenset[str]:
    """All fixtures of a case, those of its fixtures too."""
    return all_wants(case.wants)
