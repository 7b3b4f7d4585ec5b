"""Figures and attachments as strict JSON holds them: what is not a finite number has a name."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.figures import make_figure
from gate.strict_json import finite, is_deeper, plain, word_for

NAN, INF = float("nan"), float("inf")


def test_a_figure_has_what_is_stated_and_nothing_for_the_rest() -> None:
    figure = make_figure("p95", n=3, value=1.5, unit="ms", interval=(1.0, 2.0), slowest={"trace": "a"})
    assert (figure.rule, figure.n, figure.value, figure.unit, figure.interval) == ("p95", 3, 1.5, "ms", (1.0, 2.0))
    assert figure.details == {"slowest": {"trace": "a"}}
    assert not figure.not_finite
    others = (figure.limit, figure.confidence, figure.window, figure.hazard_per_hour, figure.covered_s, figure.need_s)
    assert others == (None,) * 6
    assert make_figure("bare").unit == ""
    assert make_figure("bare").interval is None


@pytest.mark.parametrize("key", ["n", "value", "limit", "confidence", "hazard_per_hour", "covered_s", "need_s"])
@pytest.mark.parametrize("number, word", [(NAN, "not a number"), (INF, "infinite"), (-INF, "minus infinite")])
def test_a_number_that_json_can_not_hold_is_null_and_named(key: str, number: float, word: str) -> None:
    figure = make_figure("p95", **{key: number})
    assert getattr(figure, key) is None
    assert figure.not_finite == {key: word} == {key: word_for(number)}
    assert json.loads(msgspec.json.encode(figure))["not_finite"] == {key: word}


@pytest.mark.parametrize(
    "interval, kept", [((0.5, INF), (0.5, None)), ((-INF, 2), (None, 2)), ((0, 0), (0, 0)), ([1, NAN], (1, None))]
)
def test_an_interval_without_an_end_is_open_there(interval: Any, kept: Any) -> None:  # noqa: ANN401 - as written in JSON
    assert make_figure("share", interval=interval).interval == kept


@pytest.mark.parametrize(
    "value, kept",
    [
        (None, None),
        (True, True),
        (0, 0),
        (1.5, 1.5),
        (NAN, "not a number"),
        (-INF, "minus infinite"),
        ("text", "text"),
        ((1, (2, INF)), [1, [2, "infinite"]]),
        ({1: {"a": (NAN,)}}, {"1": {"a": ["not a number"]}}),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01 00:00:00+00:00"),
        ({"x"}, "{'x'}"),
    ],
)
def test_a_value_is_kept_as_json_can_hold_it(value: object, kept: object) -> None:
    assert plain(value) == kept
    assert type(plain(value)) is type(kept)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    )
)
def test_whatever_is_kept_is_strict_json(value: object) -> None:
    kept = plain(value)
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept


def test_depth_is_counted_in_objects_and_lists() -> None:
    assert not is_deeper(1, 0)
    assert not is_deeper([1, {}], 2)
    assert not is_deeper({"a": [1]}, 2)
    assert is_deeper({"a": [1]}, 0)
    assert is_deeper([[[[]]]], 2)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert is_deeper(deep, 99_999)
    assert not is_deeper(deep, 100_001)


@pytest.mark.parametrize("value, kept", [(None, None), (0.0, 0.0), (2.5, 2.5), (NAN, None), (INF, None), (-INF, None)])
def test_a_number_or_nothing(value: float | None, kept: float | None) -> None:
    assert finite(value) == kept
