"""The server's side of our calls, from the platform's request log: its own time, and which instance served.

For services that do not report their own time in their answers. A call is found by the trace id that it carried.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from probes.errors import SourceRefused
from probes.latency.open_loop import Call, LatencySample
from probes.logs.entries import LogEntry, LogSource
from probes.problem import Problem
from probes.timing.waiting import await_steady
from probes.timing.window import SteadyClock

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

    Our requests are found by `mark`, a part of their User-Agent; `begun` is when the first call left, on `clock`.
    Entries may take up to `deadline_s` to arrive. Raises SourceRefused, also if answered calls have no entry.
    """
    answered = {call.trace_id for call in sample.calls if not call.failure}
    entries: dict[str, LogEntry] = {}

    async def look() -> Problem:
        window = clock.since(begun, AROUND)
        read = await source.read(window, [f'httpRequest.userAgent:"{mark}"'], service=service)
        entries.update({entry.trace_id: entry for entry in read.entries if entry.is_request})
        lacking = len(answered - entries.keys())
        return f"{lacking} of {len(answered)} answered calls are not in the request log of {service}" if lacking else ""

    waited = await await_steady(look, in_a_row=1, deadline_s=deadline_s)
    if not waited.steady:
        raise SourceRefused(source.name, f"after {deadline_s:g} s {waited.attempts[-1]}")
    return replace(sample, calls=tuple(_sided(call, entries.get(call.trace_id)) for call in sample.calls))


def _sided(call: Call, entry: LogEntry | None) -> Call:
    return replace(call, server_ms=seconds(entry.latency) * 1e3, instance=entry.instance) if entry else call


def seconds(latency: str) -> float:
    """A latency as the request log writes it ("0.012345s"), in seconds. Raises SourceRefused for another form."""
    try:
        return float(latency.removesuffix("s"))
    except ValueError as error:
        raise SourceRefused("request log", f"a latency of {latency!r}") from error
