"""Our own share of a call is measured against a stub; a client that is too slow or too late can't measure."""

import asyncio
import time

import pytest

from probes.errors import ClientUnfit
from probes.http.timing_transport import TimingTransport
from probes.latency.calibration import calibrate, stub
from tests.system.waiting import HANGS_S

NO_LIMIT_MS = 1e6  # however busy the machine is


async def test_the_stub_answers_any_number_of_requests_with_a_body_on_one_connection() -> None:
    async with stub() as url:
        transport = TimingTransport(url)
        try:
            answers = [
                await transport.exchange(method, "/", {"Content-Type": "application/json"}, body)
                for method, body in [("POST", b"x" * 100_000), ("POST", b""), ("GET", b"")]
            ]
        finally:
            await transport.aclose()
    assert [(one.status, one.body) for one in answers] == [(200, b"{}")] * 3
    assert [one.opened is None for one in answers] == [False, True, True]


async def test_a_client_that_is_fast_enough_is_calibrated_at_once() -> None:
    begun = time.perf_counter()
    own = await calibrate(rate=200.0, body=b"{}", limit_ms=NO_LIMIT_MS, quiet_s=HANGS_S, calls=40)
    took_ms = (time.perf_counter() - begun) * 1e3
    assert 0 < own.p50_ms <= own.p95_ms < took_ms
    assert own.lag_p99_ms < took_ms
    assert took_ms >= 39 / 200 * 1e3
    assert own.attempts == ()


async def test_a_client_that_is_too_slow_is_unfit_after_three_attempts() -> None:
    with pytest.raises(ClientUnfit) as caught:
        await calibrate(rate=200.0, body=b"{}", limit_ms=1e-3, quiet_s=0.01, calls=4)
    said = str(caught.value)
    assert (
        "in 3 attempts the client alone took more than 25% of 0.001 ms at p95, or left more than 10% of it late" in said
    )
    assert said.count("dispatch lag p99") == 3


async def test_a_client_that_leaves_too_late_is_unfit_however_fast_its_calls_are() -> None:
    """Calls may take a quarter of the limit, and leave a tenth of it late: one standstill of 50 ms is too much here."""

    async def stand_still() -> None:
        while True:
            time.sleep(0.05)  # noqa: ASYNC251 - the standstill of our own loop
            await asyncio.sleep(0.001)

    blocking = asyncio.create_task(stand_still())
    try:
        with pytest.raises(ClientUnfit, match="this machine is too busy to measure"):
            await calibrate(rate=200.0, body=b"{}", limit_ms=100.0, quiet_s=0.01, calls=10)
    finally:
        blocking.cancel()
