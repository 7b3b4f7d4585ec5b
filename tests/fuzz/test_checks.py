"""Every check of the suites, in memory, over answers of which fields are missing or of another kind."""

import zlib

import pytest

from gate.outcomes import Outcome
from gate.plan import Plan
from targets.model import Target
from tests.fuzz.judging import CASES, judge
from tests.fuzz.memory import Spoiler
from tests.fuzz.recorded import RecordedWorld, recorded
from tests.fuzz.resolving import Case
from tests.fuzz.world import World
from tests.standing import ROOT

RECORDED = ROOT.parent / "shared/data/observed-wire"
ROUNDS = 12  # seeds of each case


def named(case: Case) -> str:
    return case.name


async def test_over_good_answers_most_of_them_pass(target: Target, plan: Plan) -> None:
    outcomes = {
        case.name: (await judge(case, target, plan, Spoiler(None), World(target.contract))).outcome for case in CASES
    }
    passed = [name for name, outcome in outcomes.items() if outcome is Outcome.PASSED]
    assert len(passed) > 100, {name: outcome for name, outcome in outcomes.items() if outcome is not Outcome.PASSED}


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
