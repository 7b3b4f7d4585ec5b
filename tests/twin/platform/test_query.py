"""The span of a filter: nothing that passes the filter lies outside it, so that a store may look within it alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.platform.query import EVER, QueryError, nanoseconds, parse

MOMENTS = tuple(f"2026-01-07T10:00:0{second}.{fraction}Z" for second in range(4) for fraction in ("000001", "9"))
COMPARISONS = st.one_of(
    st.tuples(st.sampled_from([">", ">=", "<", "<=", "=", "!="]), st.sampled_from(MOMENTS)).map(
        lambda one: f'timestamp{one[0]}"{one[1]}"'
    ),
    st.sampled_from(['severity>="ERROR"', 'trace="a"', "free", 'timestamp=~"10:00:01"']),
)
FILTERS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(" AND ".join),
        st.lists(inner, min_size=2, max_size=3).map(" OR ".join),
        inner.map("NOT ({})".format),
        inner.map("({})".format),
    ),
    max_leaves=6,
)


@given(text=FILTERS, moment=st.sampled_from(MOMENTS), severity=st.sampled_from(["INFO", "ERROR"]))
def test_what_passes_lies_in_the_span(text: str, moment: str, severity: str) -> None:
    wanted = parse(text)
    if wanted.test({"timestamp": moment, "severity": severity, "trace": "a", "text": "free"}):
        assert wanted.since <= nanoseconds(moment) <= wanted.until


def test_the_span_is_what_all_of_its_parts_allow() -> None:
    early, late = MOMENTS[0], MOMENTS[-1]
    both = parse(f'(timestamp>="{early}" AND severity>="ERROR") AND timestamp<"{late}"')
    assert (both.since, both.until) == (nanoseconds(early), nanoseconds(late))
    assert parse(f'timestamp>="{early}" OR trace="a"').since == -EVER
    assert parse(f'NOT timestamp>="{early}"').since == -EVER
    either = parse(f'timestamp="{late}" OR timestamp="{early}"')
    assert (either.since, either.until) == (nanoseconds(early), nanoseconds(late))


VALUES = st.sampled_from(["a", "b", "200", "500", "ERROR", "INFO"])
ENTRIES = st.fixed_dictionaries(
    {"timestamp": st.sampled_from(MOMENTS)},
    optional={
        "severity": st.sampled_from(["INFO", "ERROR"]),
        "trace": VALUES,
        "labels": st.dictionaries(st.sampled_from(["x", "y"]), VALUES),
        "status": st.sampled_from([200, 500]),
    },
)


@given(st.lists(VALUES, min_size=2, max_size=4), st.sampled_from(["trace", "labels.x", "severity"]), ENTRIES)
def test_many_texts_of_one_field_are_as_each_by_itself(wanted: list[str], field: str, entry: dict[str, object]) -> None:
    singles = [f'{field}="{text}"' for text in wanted if field != "severity" or text in {"ERROR", "INFO"}]
    if singles:
        expected = any(parse(single).test(entry) for single in singles)
        assert parse(" OR ".join(singles)).test(entry) is expected
        assert parse(" OR ".join(f"({single})" for single in singles)).test(entry) is expected


@pytest.mark.parametrize(
    "text, holds",
    [
        ("status=500 OR status=501", True),
        ("status=200 OR status=201", False),
        ("status>=500", True),
        ("status>500", False),
        ("status<=500 AND status<501", True),
        ("status!=500", False),
        ("missing!=x", True),
        ("missing=x", False),
        ("missing>x", False),
        ("labels.x=deep", True),
        ("trace.x=deep", False),
        ("labels:DEEP", True),
        ("labels.x:*", True),
        ("missing:*", False),
        ("trace=~b$ AND trace!~^b", True),
        ("missing!~a", True),
        ("missing=~a", False),
        ("severity=DEFAULT AND severity<INFO", True),
    ],
)
def test_a_comparison_holds_as_documented(text: str, *, holds: bool) -> None:
    entry = {"timestamp": MOMENTS[0], "status": 500, "trace": "ab", "labels": {"x": "deep"}}
    assert parse(text).test(entry) is holds


@pytest.mark.parametrize("text", ["severity>=LOUD", 'timestamp>"today"', "trace=~(", "status ="])
def test_what_the_api_would_refuse_is_refused_before_an_entry_is_looked_at(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text)
