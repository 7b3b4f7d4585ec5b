"""What a step is judged by: users' requests to both revisions, as the log has them."""

import pytest

from fixtures.share import Shared
from gate.evidence import Recorder
from gate.failures import CheckFailure, Pending
from probes.comparison.share import Traffic
from suites.test_release_share import test_users_meet_nothing_worse as judge
from targets.candidate import Rollout

RULES = Rollout(error_rate=0.01)
ENOUGH = 299


def traffic(requests: int, **others: int) -> Traffic:
    """Requests, all answered in 0.1 s; `failed` of them with 5xx, `untimed` of them without a time in the log."""
    failed, untimed = others.pop("failed", 0), others.pop("untimed", 0)
    return Traffic(
        requests=requests,
        failed=failed,
        seconds=(0.1,) * (requests - failed - untimed),
        untimed=untimed,
        sessions=others.pop("sessions", 0),
        cut_short=others.pop("cut_short", 0),
    )


def shared(new: Traffic, old: Traffic, *stopped: str) -> Shared:
    return Shared(new=new, old=old, needed=ENOUGH, rules=RULES, stopped=stopped)


async def test_enough_good_requests_on_both_sides_are_a_pass() -> None:
    recorder = Recorder()
    await judge(shared(traffic(ENOUGH), traffic(2_000)), recorder)
    assert not recorder.failed


@pytest.mark.parametrize(
    "new, old, why",
    [
        (traffic(0), traffic(2_000), "0 user requests"),
        (traffic(0), traffic(0), "0 user requests"),
        (traffic(ENOUGH), traffic(0), "too few to compare"),
        (traffic(ENOUGH - 1), traffic(2_000), "at most 1.0% fail"),
        (traffic(ENOUGH, untimed=60), traffic(2_000), "does not say how long"),
        (traffic(ENOUGH), traffic(2_000, untimed=1_990), "does not say how long"),
    ],
)
async def test_a_measure_without_data_on_a_side_is_never_a_pass(new: Traffic, old: Traffic, why: str) -> None:
    """A measure that was never evaluated passed in Flagger (fluxcd/flagger#1581), and zero on a side in Kayenta."""
    with pytest.raises(Pending, match=why):
        await judge(shared(new, old), Recorder())


async def test_traffic_that_stopped_is_no_pass_however_good_it_was() -> None:
    """fluxcd/flagger#1011."""
    with pytest.raises(Pending, match="no user asks old any more"):
        await judge(shared(traffic(ENOUGH), traffic(2_000), "old"), Recorder())


@pytest.mark.parametrize(
    "new, old, why",
    [
        (traffic(ENOUGH, failed=5), traffic(2_000), "5 of 299 requests failed, against 0 of 2000"),
        (traffic(20, failed=10), traffic(2_000, failed=2), "10 of 20 requests failed"),
        (traffic(ENOUGH, sessions=9, cut_short=8), traffic(2_000, sessions=99), "8 of 9 sessions ended at once"),
    ],
)
async def test_more_failures_than_before_are_refused_however_few_requests_there_were(
    new: Traffic, old: Traffic, why: str
) -> None:
    with pytest.raises(CheckFailure) as refused:
        await judge(shared(new, old), Recorder())
    assert why in refused.value.actual


async def test_slower_answers_are_refused() -> None:
    slow = Traffic(requests=ENOUGH, failed=0, seconds=(0.2,) * ENOUGH, sessions=0, cut_short=0)
    with pytest.raises(CheckFailure) as refused:
        await judge(shared(slow, traffic(2_000)), Recorder())
    assert "more than 1.25 times as long" in refused.value.actual
