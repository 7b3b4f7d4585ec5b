"""The span of a filter: nothing that passes the filter lies outside it, so that a store may look within it alone."""

from hypothesis import given
from hypothesis import strategies as st

from twin.platform.query import EVER, nanoseconds, parse

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
