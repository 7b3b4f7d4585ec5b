"""Every check of the suites, in memory, over answers of which fields are missing or of another kind."""

import asyncio
import json
import zlib
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from fixtures.sockets import SocketDoor
from fixtures.target import pytest_gate_classify
from gate.failures import Judgement
from gate.plan import Plan
from targets.loading import load_target
from targets.model import Target
from tests.fuzz.memory import Spoiler, given
from tests.fuzz.recorded import RecordedWorld, recorded
from tests.fuzz.resolving import Case, Resolver, all_cases, all_wants, can_resolve
from tests.fuzz.world import World
from tests.standing import ROOT

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
        "cloud_logging",
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
        "live_release",
        "live_source",
        "proof_of_life",
        "look_for_bad_rows",
    ]
)
RECORDED = ROOT.parent / "shared/data/observed-wire"
ROUNDS = 12  # seeds of each case
CASE_S = 20.0
# These hold sessions for seconds, write frames to a socket of their own, or wait for what a world in memory has not.
ELSEWHERE = (
    "sessions_stay_open",
    "as_the_protocol_says",
    "every_tab_lives",
    "agent_answers",
    "fallback_answers",
    "answers_something",
)
CASES = [
    case for case in all_cases() if can_resolve(case.wants, NAMES) and not any(one in case.name for one in ELSEWHERE)
]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    addresses = tmp_path_factory.mktemp("target") / "addresses.json"
    tokens = {"signing_secret": "a-secret-of-thirty-two-characters", "service_key": "a-key", "login_key": "a-key"}
    there = {"backend": {"url": "http://127.0.0.1:9"}, "auth": {"url": "http://127.0.0.1:9"}, "tokens": tokens}
    there["platform"] = {"credentials": "none"}
    addresses.write_text(json.dumps(there))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETRA_ADDRESSES", str(addresses))
        patch.setenv("NETRA_CONTRACT__LOGS__CANARY_WAIT_S", "0.05")
        return load_target("local")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    offers = frozenset(["http", "ws", "auth", "health", "logs", "run", "metrics", "mint", "token", "write", "single"])
    return Plan("local", "local", "full", "smoke", offers, {}, {}, (), tmp_path, quick=True, deadline_s=60.0)


async def judge(case: Case, target: Target, plan: Plan, spoiler: Spoiler, world: World) -> str:
    """What a case comes to: a judgement's name, or nothing. Raises what no suite foresees."""
    async with AsyncExitStack() as stack:
        resolver = Resolver(given(target, plan, spoiler, world), stack)
        resolver.given["look_for_bad_rows"] = nobody_looks
        try:
            async with asyncio.timeout(CASE_S):
                for alias, name in ALIASES.items():
                    if alias in case_wants(case):
                        resolver.given[alias] = await resolver.get(name)
                if "sockets" in case_wants(case):
                    doorway = resolver.given["doorway"]
                    door = SocketDoor(
                        doorway, await resolver.get("tokens"), resolver.given["recorder"], stack,
                        await resolver.get("socket_entry"), resolver.given["user_pool"],
                    )  # fmt: skip
                    resolver.given["sockets"] = door
                await resolver.run(case)
        except Judgement as judgement:
            return str(judgement.outcome)
        except Exception as error:
            known = pytest_gate_classify(error)
            if known is None:
                raise
            return str(known.outcome)
    return "PASSED"


async def nobody_looks() -> None:
    """There is no table to look into."""


def case_wants(case: Case) -> frozenset[str]:
    """All fixtures of a case, those of its fixtures too."""
    return all_wants(case.wants)


def named(case: Case) -> str:
    return case.name


async def test_over_good_answers_most_of_them_pass(target: Target, plan: Plan) -> None:
    outcomes = {case.name: await judge(case, target, plan, Spoiler(None), World(target.contract)) for case in CASES}
    passed = [name for name, outcome in outcomes.items() if outcome == "PASSED"]
    assert len(passed) > 100, {name: outcome for name, outcome in outcomes.items() if outcome != "PASSED"}


@pytest.mark.parametrize("case", CASES, ids=named)
async def test_over_spoiled_answers_it_is_judged(case: Case, target: Target, plan: Plan) -> None:
    for number in range(ROUNDS):
        seed = zlib.crc32(f"{case.name} {number}".encode())
        await _over(case, target, plan, Spoiler(seed, share=(1.0, 0.3, 0.1)[number % 3]), World(target.contract))


async def _over(case: Case, target: Target, plan: Plan, spoiler: Spoiler, world: World) -> None:
    try:
        await judge(case, target, plan, spoiler, world)
    except Exception as error:
        raise AssertionError(f"seed {spoiler.seed}: {type(error).__name__}: {error}") from error


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers lie in ../shared, which is not here")
@pytest.mark.parametrize("case", CASES, ids=named)
async def test_over_recorded_answers_that_are_spoiled_it_is_judged(case: Case, target: Target, plan: Plan) -> None:
    for number in range(ROUNDS // 4):
        seed = zlib.crc32(f"recorded {case.name} {number}".encode())
        world = RecordedWorld(target.contract, answers=recorded(RECORDED))
        await _over(case, target, plan, Spoiler(seed, share=0.5), world)
