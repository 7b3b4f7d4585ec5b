"""Two JSON values and where they differ."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from probes.comparison.differences import differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "before, after, names",
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a value"]),
        ({"a": 1}, {}, ["a missing"]),
        ({}, {"a": 1}, ["a added"]),
        ({"a": 1}, {"a": "1"}, ["a type"]),
        ({"a": 1}, {"a": 1.0}, ["a type"]),
        ({"a": True}, {"a": 1}, ["a type"]),
        ({"a": None}, {"a": {}}, ["a type"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a length"]),
        ({"a": [{"b": 1, "c": 2}] * 3}, {"a": [{"b": 1}] * 3}, ["a[*].c missing"]),
        ([{"b": [[1]]}], [{"b": [["x"]]}], ["[*].b[*][*] type"]),
    ],
)
def test_a_difference_has_a_place_and_a_kind(before: object, after: object, names: list[str]) -> None:
    assert [one.name for one in differences(before, after).values()] == names


def test_words_say_what_it_was_and_what_it_is() -> None:
    found = differences({"a": 1, "b": 2}, {"a": "x", "c": 3})
    assert [one.text for one in found.values()] == [
        "a type: 1 became 'x'",
        "b is missing (it was 2)",
        "c is new (3)",
    ]


@given(JSON)
def test_a_value_does_not_differ_from_itself(value: object) -> None:
    assert not differences(value, value)


@given(JSON, JSON)
def test_two_values_that_are_not_equal_differ_both_ways_at_the_same_places(one: object, other: object) -> None:
    there, back = differences(one, other), differences(other, one)
    assert {where for where, _ in there} == {where for where, _ in back}
    if not there:
        assert one == other
