"""The server's clock beside ours: what neither its own time, nor the way, nor our own loop explains of a call."""

import statistics

from probes.latency.open_loop import LatencySample


def unexplained_ms(sample: LatencySample, way_ms: float) -> float | None:
    """The median over calls on connections that were open: our time, less the server's own and the way there and back.

    What our own event loop took is off as well. None where no such call carries the server's time.
    """
    gaps = [
        call.client_ms - call.lag_ms - call.own_ms - call.server_ms - way_ms
        for call in sample.calls
        if not call.failure and call.reused and call.server_ms is not None
    ]
    return statistics.median(gaps) if gaps else None
