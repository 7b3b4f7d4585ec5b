"""Faults of the auth service's time: a clock that says too little, and calls that cost ever more."""

import asyncio
import time
from typing import TYPE_CHECKING

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams

SLOW_S, TOLD_MS = 0.12, 5.0
STEP_S, MOST_CALLS, QUIET_S = 0.0003, 400, 0.15


@fault("auth.server-timing-lies", place="auth", seen="a timer around the handler, while requests queue before it")
def server_timing_lies(seams: "Seams") -> Undo:
    """Every validation takes 120 ms, and Server-Timing says 5."""

    async def before_answer() -> None:
        await asyncio.sleep(SLOW_S)

    return replace(seams, before_answer=before_answer, told_ms=lambda _took: TOLD_MS)


@fault("auth.each-call-slower", place="auth", seen="a list of sessions that each validation walks through")
def each_call_slower(seams: "Seams") -> Undo:
    """Each validation takes 0.3 ms longer than the one before, up to 400; a quiet moment makes it drop its list."""
    calls, latest = 0, 0.0

    async def before_answer() -> None:
        nonlocal calls, latest
        now = time.monotonic()
        calls, latest = min(calls + 1, MOST_CALLS) if now - latest < QUIET_S else 0, now
        await asyncio.sleep(STEP_S * calls)

    return replace(seams, before_answer=before_answer)
