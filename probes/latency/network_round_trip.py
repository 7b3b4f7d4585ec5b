"""The network's own share of a call: the way there and back, on a route that does nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from probes.http.server_timing import server_timing
from probes.http.timing_transport import Timed
from probes.statistics.exact import percentile

CALLS = 20


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """From the request sent to the first byte of the answer, in milliseconds; `own_time_off`: less the server's own."""

    n: int
    least_ms: float
    p50_ms: float
    own_time_off: bool


async def measure_round_trip(ask: Callable[[], Awaitable[Timed]], *, metric: str, calls: int = CALLS) -> RoundTrip:
    """Ask a no-op route again and again over one connection, whatever it answers: any answer has made the trip.

    `metric` is the server's total in `Server-Timing`; if every answer has it, it is subtracted. Raises what `ask`
    raises.
    """
    answers = [await ask() for _ in range(calls + 1)][1:]  # the first one may open the connection
    own_times = [server_timing(answer.headers, metric) for answer in answers]
    reported = [own for own in own_times if own is not None]
    off = reported if len(reported) == len(answers) else [0.0] * len(answers)
    times = [(answer.first_byte - answer.sent) * 1e3 - own for answer, own in zip(answers, off, strict=True)]
    return RoundTrip(len(times), max(0.0, min(times)), max(0.0, percentile(times, 0.5)), off is reported)
