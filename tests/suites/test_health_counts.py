"""A total is right if it is one that the table had while we looked, though others add and remove rows meanwhile."""

import pytest

from suites.test_health import says_one_of
from targets.loading import describe_target

RULES = describe_target("local").contract.health


@pytest.mark.parametrize(
    "counted,total,right",
    [
        ([547, 547], 547, True),
        ([547, 547], 546, False),
        ([547, 547, 545], 546, True),  # a row was added and removed while we looked
        ([547, 545], 544, False),
        ([547, 547], None, False),
        ([547, 547], "547", False),
    ],
)
def test_the_total_lies_between_our_counts(counted: list[int], total: object, *, right: bool) -> None:
    assert says_one_of({RULES.counts_check: {RULES.total_field: total}}, RULES, counted) is right


def test_what_is_not_an_object_says_nothing() -> None:
    assert not says_one_of({RULES.counts_check: "547"}, RULES, [547, 547])
