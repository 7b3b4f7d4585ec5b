"""A deadline is the server's time: what our own loop stood still is not counted, and is said where it was all of it."""

import asyncio
import time

import pytest

from probes.client_health.fair_deadline import within
from probes.errors import ClientUnfit

LIMIT_S = 2.0


async def test_what_never_comes_is_too_slow() -> None:
    begun = time.perf_counter()
    with pytest.raises(TimeoutError):
        async with within(0.5, "GET /"):
            await asyncio.Event().wait()
    assert time.perf_counter() - begun >= 0.5


async def test_an_answer_during_our_own_standstill_is_in_time() -> None:
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.call_soon(time.sleep, LIMIT_S * 1.1)  # over the end of the limit,
    loop.call_later(LIMIT_S * 1.05, came.set)  # in which the answer comes: a plain timer goes off before it
    async with within(LIMIT_S, "GET /"):
        await came.wait()


async def test_where_we_stood_still_all_the_while_nothing_is_said_of_the_server() -> None:
    asyncio.get_running_loop().call_soon(time.sleep, 0.5)
    with pytest.raises(ClientUnfit, match=r"our own loop stood still for \d"):
        async with within(0.1, "GET /"):
            await asyncio.Event().wait()


async def test_errors_of_the_block_are_its_own() -> None:
    with pytest.raises(TimeoutError, match="another clock"):
        async with within(LIMIT_S, "GET /"):
            raise TimeoutError("another clock")


async def test_deadlines_that_run_at_once_end_each_at_its_own() -> None:
    ended = list[float]()

    async def wait(limit_s: float) -> None:
        with pytest.raises(TimeoutError):
            async with within(limit_s, "GET /"):
                await asyncio.Event().wait()
        ended.append(limit_s)

    await asyncio.gather(*(wait(limit_s) for limit_s in (1.5, 0.3, 0.9)))
    assert ended == sorted(ended)
