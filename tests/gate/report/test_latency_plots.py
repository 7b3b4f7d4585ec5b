"""The two plots of latency: what is to be seen at a glance is in the picture and in its text."""

import re
from typing import Any

import pytest
from msgspec.structs import replace

from gate.plots import LatencyPlot, SequencePlot
from gate.report.plots import draw

BAD = "var(--bad)"


def sequence(**changes: Any) -> SequencePlot:  # noqa: ANN401 - the plot's fields
    plot = SequencePlot(
        at_s=[0.0, 0.1, 0.2, 0.3],
        ms=[10.0, 400.0, 12.0, None],
        client_ms=[20.0, 430.0, 22.0, None],
        cold=["", "new instance", "new connection", ""],
        limit_ms=100.0,
        clock="server",
    )
    return replace(plot, **changes)


def marks(svg: str) -> int:
    """How many points are drawn in the colour of what is wrong, the limit's line aside."""
    return len(re.findall(rf'class="mark" [^>]*{re.escape(BAD)}', svg))


def test_cold_starts_are_ringed_and_failures_crossed() -> None:
    svg, text = draw(sequence(), 0)
    assert text == (
        "Time of each of 4 calls in the order in which they were due; cold starts: 1 by a new connection, "
        "1 by a new instance; failed: 1."
    )
    plain, _ = draw(sequence(cold=[""] * 4, ms=[10.0, 400.0, 12.0, 11.0]), 1)
    assert marks(svg) == marks(plain) + 3


def test_a_sequence_of_before_cold_starts_were_told_is_still_drawn() -> None:
    assert "cold starts: none" in draw(SequencePlot(at_s=[0.0, 0.1], ms=[1.0, 2.0], limit_ms=100.0), 0)[1]


@pytest.mark.parametrize(
    "ms,failed,said",
    [
        ([1.0, 2.0, 150.0], 0, "3 call times: 1 at or over the limit of 100 ms, slowest 150.0 ms"),
        ([1.0, 2.0], 2, "2 call times: 0 at or over the limit of 100 ms, 2 failed, slowest 2.0 ms"),
        ([], 5, "0 call times: 0 at or over the limit of 100 ms, 5 failed."),
    ],
)
def test_the_distribution_says_what_is_over_the_limit_and_what_failed(ms: list[float], failed: int, said: str) -> None:
    svg, text = draw(LatencyPlot(ms=ms, client_ms=ms, limit_ms=100.0, clock="server", failed=failed), 0)
    assert said in text
    assert "faint: the client" in svg or not ms
