"""The group-sequential plan keeps its error rates, peeking included."""

import random

import pytest

from probes.latency.sequential_plan import Look, look_sizes, make_plan, rates
from probes.statistics.exact import Finding
from tests.probes.exact import decide_fraction

PLAN = make_plan(look_sizes(1000))


@pytest.mark.parametrize("cap", [59, 124, 336, 500, 1000, 2000])
def test_false_answers_at_the_boundary_are_within_five_percent(cap: int) -> None:
    at_limit = rates(make_plan(look_sizes(cap)), 0.05)
    assert 0 < at_limit.proved <= 0.05
    assert at_limit.refuted <= 0.05


@pytest.mark.parametrize("n", [59, 93, 124, 208, 336])
def test_one_look_is_the_exact_binomial_test(n: int) -> None:
    (look,) = make_plan((n,))
    for slow in range(n + 1):
        assert look.find(slow) is decide_fraction(n, slow)


def test_a_good_service_is_proved_and_a_bad_one_refuted() -> None:
    good, bad = rates(PLAN, 0.02), rates(PLAN, 0.08)
    assert good.proved >= 0.99
    assert bad.refuted >= 0.95
    assert bad.proved <= 0.0001
    assert good.mean_calls < 500
    assert bad.mean_calls < 700


@pytest.mark.parametrize(
    "cap, sizes", [(59, (59,)), (479, (479,)), (480, (60, 120, 240, 480)), (1001, (125, 250, 500, 1001))]
)
def test_a_short_measurement_is_looked_at_once_and_a_long_one_four_times(cap: int, sizes: tuple[int, ...]) -> None:
    assert look_sizes(cap) == sizes


def test_the_average_number_of_calls_is_what_each_look_decides() -> None:
    """At 20 %, of two looks after 2 and 4 calls: the first ends where 0 or 2 of 2 are slow, 0.64 and 0.04."""
    found = rates((Look(2, 0, 2), Look(4, 1, 2)), 0.2)
    assert found.mean_calls == pytest.approx(2 + 2 * 0.32)
    assert found.proved == pytest.approx(0.64 + 0.32 * 0.64)
    assert found.refuted == pytest.approx(0.04 + 0.32 * 0.36)


def test_what_one_look_spends_is_not_there_for_the_next() -> None:
    """0 slow of 59 has a chance of 4.85 %: as the only look it proves, as the first of two it must not."""
    assert [one.prove_at_most for one in make_plan((59,))] == [0]
    early, late = make_plan((59, 118))
    assert (early.prove_at_most, late.prove_at_most) == (-1, 1)
    assert make_plan((10,))[0] == Look(10, -1, 3)
    assert make_plan((2,), limit=0.01)[0].refute_at_least == 1
    assert make_plan((1,), limit=0.5)[0] == Look(1, -1, 2), "nothing is refuted by less than all there can be"


def test_no_slow_call_ends_the_measurement_at_the_first_look() -> None:
    assert PLAN[0].find(0) is Finding.PROVED
    assert PLAN[0].n == 125


def test_peeking_without_a_plan_errs_more_often_than_it_says() -> None:
    """The rule for one test, asked every 20 calls: the plan is not a luxury."""
    errors = _simulate(0.05, decide_fraction, looks=range(60, 1001, 20))
    assert errors[Finding.PROVED] / 400 > 0.10


def test_the_simulated_plan_errs_as_rarely_as_computed() -> None:
    by_size = {look.n: look for look in PLAN}
    found = _simulate(0.05, lambda n, slow: by_size[n].find(slow), looks=by_size)
    assert found[Finding.PROVED] / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


@pytest.mark.parametrize("share,wanted", [(0.08, Finding.REFUTED), (0.02, Finding.PROVED)])
def test_a_hundred_runs_decide_rightly(share: float, wanted: Finding) -> None:
    by_size = {look.n: look for look in PLAN}
    found = _simulate(share, lambda n, slow: by_size[n].find(slow), looks=by_size, runs=100)
    wrong = Finding.PROVED if wanted is Finding.REFUTED else Finding.REFUTED
    assert found[wrong] == 0
    assert found[wanted] >= 94


def _simulate(share: float, find, looks, runs: int = 400) -> dict[Finding, int]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - what is compared here is any rule
    dice = random.Random(int(share * 1000))  # noqa: S311 - a simulation that must repeat
    counts = dict.fromkeys(Finding, 0)
    for _ in range(runs):
        slow = n = 0
        said = Finding.OPEN
        for look in sorted(looks):
            slow += sum(dice.random() < share for _ in range(look - n))
            n = look
            said = find(n, slow)
            if said is not Finding.OPEN:
                break
        counts[said] += 1
    return counts
