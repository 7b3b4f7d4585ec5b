"""Faults of the auth service's time: a clock that says too little, and calls that cost ever more."""

import asyncio
from typing import TYPE_CHECKING

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams

SLOW_S, TOLD_MS = 0.12, 5.0
STEP_S, BURST = 0.0003, 8


@fault("auth.server-timing-lies", place="auth", seen="a timer around the handler, while requests queue before it")
def server_timing_lies(seams: "Seams") -> Undo:
    """Every validation takes 120 ms, and Server-Timing says 5."""

    async def before_answer() -> None:
        await asyncio.sleep(SLOW_S)

    return replace(seams, before_answer=before_answer, told_ms=lambda _took: TOLD_MS)


@fault("auth.each-call-slower", place="auth", seen="a list of sessions that each validation walks through")
def each_call_slower(seams: "Seams") -> Undo:
    """Each validation takes 0.3 ms longer than the one before; eight at once make it drop its list."""
    calls, under_way = 0, 0

    async def before_answer() -> None:
        nonlocal calls, under_way
        under_way += 1
        calls = calls + 1 if under_way < BURST else 0
        try:
            await asyncio.sleep(STEP_S * calls)
        finally:
            under_way -= 1

    return replace(seams, before_answer=before_answer)
