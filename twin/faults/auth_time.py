"""Faults of the auth service in how long a validation takes: each one, one in many, or the more there are at once."""

import asyncio
import time
from itertools import count
from typing import TYPE_CHECKING

import httpx

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams

BUILDING = 2  # calls that build clients of their own at the same time


@fault("auth.slow-by-120-ms", place="auth", seen="a session lookup added to every validation")
def slow(seams: "Seams") -> Undo:
    """Every validation takes 120 ms longer."""

    async def before_answer() -> None:
        await asyncio.sleep(0.12)

    return replace(seams, before_answer=before_answer)


@fault("auth.eight-percent-slow", place="auth", seen="one instance of twelve on an overloaded host")
def eight_percent(seams: "Seams") -> Undo:
    """Every twelfth call takes 150 ms longer: a mean never shows it."""
    number = count(1)

    async def before_answer() -> None:
        if next(number) % 12 == 0:
            await asyncio.sleep(0.15)

    return replace(seams, before_answer=before_answer)


@fault("auth.one-stall", place="auth", seen="a full garbage collection, a lock, a cold start")
def one_stall(seams: "Seams") -> Undo:
    """Once in fifty calls the whole process stands still for a second."""
    number = count(1)

    async def before_answer() -> None:
        if next(number) % 50 == 0:
            time.sleep(1.0)  # noqa: ASYNC251 - this is the fault

    return replace(seams, before_answer=before_answer)


@fault("auth.client-per-call", place="auth", seen="Fix 4: a new client, with its TLS context, for each attempt")
def client_per_call(seams: "Seams") -> Undo:
    """Three new HTTP clients per call, one for each attempt: 25 ms of CPU each, for at most a few calls at a time.

    The bound, and the turn that others get after each attempt, keep a backlog of calls from outliving the fault.
    """
    building = 0

    async def before_answer() -> None:
        nonlocal building
        if building == BUILDING:
            return
        building += 1
        try:
            for _ in range(3):
                await httpx.AsyncClient().aclose()
                await asyncio.sleep(0)
        finally:
            building -= 1

    return replace(seams, before_answer=before_answer)
