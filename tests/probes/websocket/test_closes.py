"""What a close is called, at the bounds of each class; closes that cluster at one age; a close in words."""

import pytest

from probes.websocket.closes import CloseClass, Closed, Cluster, classify, describe, find_cluster, is_planned


def closed(code: int | None, age: float = 10.0, *, by_us: bool = False, failed_by_us: int | None = None) -> Closed:
    return Closed(code=code, reason="why", age_s=age, by_us=by_us, failed_by_us=failed_by_us, detail="reset (E)")


@pytest.mark.parametrize(
    "code, kind",
    [
        (None, CloseClass.ABNORMAL),
        (1000, CloseClass.OTHER),
        (1001, CloseClass.GOING_AWAY),
        (1002, CloseClass.OTHER),
        (1008, CloseClass.POLICY),
        (1011, CloseClass.SERVER_ERROR),
        (1012, CloseClass.GOING_AWAY),
        (4401, CloseClass.OTHER),
    ],
)
def test_a_close_is_called_by_its_code(code: int | None, kind: CloseClass) -> None:
    assert classify(closed(code)) is kind
    assert classify(closed(code), planned_at_s=3600.0) is kind
    assert classify(closed(code, by_us=True)) is CloseClass.OURS


@pytest.mark.parametrize("code, kind", [(1011, "ping timeout"), (1002, "protocol error"), (1003, "protocol error")])
def test_what_our_library_gave_up_is_silence_or_the_servers_mistake(code: int, kind: str) -> None:
    assert classify(closed(None, failed_by_us=code)) == kind
    assert classify(closed(1011, failed_by_us=code), planned_at_s=10.0) == kind


@pytest.mark.parametrize(
    "code, planned", [(None, True), (1000, True), (1001, True), (1012, True), (1008, False), (1011, False)]
)
def test_at_the_planned_age_a_cut_is_planned_and_an_error_stays_one(code: int | None, *, planned: bool) -> None:
    assert (classify(closed(code, 3600.0), planned_at_s=3600.0) is CloseClass.PLANNED_CUT) is planned


@pytest.mark.parametrize(
    "due, first, last",
    [(3600.0, 3564.0, 3780.0), (20.0, 19.0, 22.0), (100.0, 99.0, 105.0)],
)
def test_a_cut_may_come_a_little_early_and_later(due: float, first: float, last: float) -> None:
    assert [is_planned(age, due) for age in (first - 0.01, first, due, last, last + 0.01)] == [
        False,
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "ages, found",
    [
        ([], None),
        ([300.0, 300.0], None),
        ([300.0, 300.5, 301.0], Cluster(300.5, 3)),
        ([10.0, 10.9, 11.0], Cluster(10.9, 3)),
        ([10.0, 10.9, 11.1], None),
        ([285.0, 290.0, 300.0], Cluster(290.0, 3)),
        ([284.9, 290.0, 300.0], None),
        ([300.0] * 3 + [1.0, 50.0, 100.0], Cluster(300.0, 3)),
        ([300.0] * 3 + [1.0, 50.0, 100.0, 200.0], None),
        ([1.0] * 3 + [300.0] * 4, Cluster(300.0, 4)),
        ([1.0] * 3 + [300.0] * 3, Cluster(1.0, 3)),
    ],
)
def test_closes_cluster_if_three_and_half_of_all_came_at_one_age(ages: list[float], found: Cluster | None) -> None:
    assert find_cluster(ages) == found
    assert find_cluster(ages[::-1]) == found


def test_without_a_share_of_the_age_a_cluster_is_a_second_wide() -> None:
    assert find_cluster([9_000.0, 9_000.5, 9_001.0], spread_share=0.0) == Cluster(9_000.5, 3)
    assert find_cluster([9_000.0, 9_000.5, 9_001.1], spread_share=0.0) is None


@pytest.mark.parametrize(
    "one, said",
    [
        (None, "not closed"),
        (closed(1011, 1.26), "closed with code 1011 'why' at age 1.3 s"),
        (closed(None), "closed without a close frame (reset (E)) at age 10.0 s"),
        (closed(1000, failed_by_us=1002), "closed by our library with 1002 'why' at age 10.0 s"),
    ],
)
def test_a_close_is_said_in_words(one: Closed | None, said: str) -> None:
    assert describe(one) == said
