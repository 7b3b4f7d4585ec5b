"""The server's side of calls that we made, from the platform's request log: its own time, and which instance served.

For services that say no time of their own in their answers. A call is found by the trace id that it carried.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from probes.errors import SourceRefused
from probes.latency.open_loop import Call, LatencySample
from probes.logs.entries import LogEntry, LogSource
from probes.waiting import await_steady
from probes.window import SteadyClock

AROUND = timedelta(minutes=2)  # clocks differ, and entries are stamped at the start of a request


async def read_server_side(
    sample: LatencySample,
    source: LogSource,
    *,
    service: str,
    mark: str,
    begun: datetime,
    clock: SteadyClock,
    deadline_s: float,
) -> LatencySample:
    """The sample with `server_ms` and `instance` as the request log has them.

    Args:
        sample: What was measured.
        source: The log.
        service: The service's name on the platform.
        mark: What the User-Agent of our requests holds.
        begun: When the first call left, on this clock.
        clock: The run's, which does not jump.
        deadline_s: How long entries may take to arrive.

    Raises:
        SourceRefused: The source does not let us, or lacks entries of calls that were answered.
    """
    answered = {call.trace_id for call in sample.calls if not call.failure}
    found: dict[str, LogEntry] = {}

    async def look() -> str:
        window = clock.since(begun, AROUND)
        read = await source.read(window, [f'httpRequest.userAgent:"{mark}"'], service=service)
        found.update({entry.trace_id: entry for entry in read.entries if entry.is_request})
        lacking = len(answered - found.keys())
        return f"{lacking} of {len(answered)} answered calls are not in the request log of {service}" if lacking else ""

    there = await await_steady(look, in_a_row=1, deadline_s=deadline_s)
    if not there.steady:
        raise SourceRefused(source.name, f"after {deadline_s:g} s {there.attempts[-1]}")
    return replace(sample, calls=tuple(_sided(call, found.get(call.trace_id)) for call in sample.calls))


def _sided(call: Call, entry: LogEntry | None) -> Call:
    return replace(call, server_ms=seconds(entry.latency) * 1e3, instance=entry.instance) if entry else call


def seconds(latency: str) -> float:
    """A latency as the request log writes it ("0.012345s"), in seconds. Raises SourceRefused for another form."""
    try:
        return float(latency.removesuffix("s"))
    except ValueError as error:
        raise SourceRefused("request log", f"a latency of {latency!r}") from error
