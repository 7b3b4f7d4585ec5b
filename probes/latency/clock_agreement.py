"""The server's clock compared with ours: how much of a call its own time, the round trip and our loop don't explain."""

import statistics

from probes.latency.open_loop import LatencySample


def unexplained_ms(sample: LatencySample, way_ms: float) -> float | None:
    """The median over calls on open connections: our time, less the server's own and the round trip, in milliseconds.

    What our own event loop took is subtracted as well. None if no such call carries the server's time.
    """
    gaps = [
        call.client_ms - call.lag_ms - call.own_ms - call.server_ms - way_ms
        for call in sample.calls
        if not call.failure and call.reused and call.server_ms is not None
    ]
    return statistics.median(gaps) if gaps else None
