"""The server's clock compared with ours: how much of a call its own time, the round trip and our loop don't explain."""

import statistics

from probes.latency.open_loop import Call, LatencySample


def unexplained_ms(sample: LatencySample, way_ms: float) -> float | None:
    """The median over calls on open connections: our time, less the server's own and the round trip, in milliseconds.

    What our own event loop took is subtracted as well. A server that closes each connection after its answer is judged
    by calls on new ones, less the time to open them. None if no good call carries the server's time.
    """
    timed = [call for call in sample.calls if not call.failure and call.server_ms is not None]
    gaps = [
        call.client_ms - call.lag_ms - call.own_ms - (call.server_ms or 0.0) - _opening_ms(call) - way_ms
        for call in [call for call in timed if call.reused] or timed
    ]
    return statistics.median(gaps) if gaps else None


def _opening_ms(call: Call) -> float:
    return call.opened.whole_s * 1e3 if call.opened is not None else 0.0
