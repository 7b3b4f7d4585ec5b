"""Asking published operations, one after the other, and whether the service lives on after each."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from probes.errors import BadAnswer, TooSlow, Unreachable
from probes.excerpt import excerpt
from probes.http.client import Answer
from probes.openapi.document import Operation, Request

Ask = Callable[[Operation, Request], Awaitable[Answer]]


@dataclass(slots=True, kw_only=True)
class Found:
    """What came of one operation."""

    operation: Operation
    answered: Counter[str] = field(default_factory=Counter[str])  # by status, or by what came instead of an answer
    slowest_s: float = 0.0
    troubles: list[str] = field(default_factory=list)
    undocumented: Counter[str] = field(default_factory=Counter[str])
    traces: list[str] = field(default_factory=list)  # of the requests with a trouble

    def row(self) -> dict[str, object]:
        """Its row of a report's table."""
        return {
            "operation": self.operation.name,
            "requests": self.answered.total(),
            "answered": dict(self.answered),
            "undocumented": sorted(self.undocumented),
            "slowest_ms": round(self.slowest_s * 1e3, 1),
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of all of them, and which were not asked, with the reason."""

    found: tuple[Found, ...]
    not_asked: dict[str, str]


async def ask_operations(
    operations: Iterable[Operation],
    ask: Ask,
    is_alive: Callable[[], Awaitable[str]],
    *,
    per_second: float,
    budget_s: float,
) -> Asked:
    """Ask each operation by all of its requests at once, then whether the service is alive.

    Args:
        operations: In the order in which they are asked.
        ask: Sends one request under its own deadline.
        is_alive: Empty when the service answers its liveness, else what came instead.
        per_second: Requests at most.
        budget_s: For all of them; what it does not last for is not asked.

    An operation after which the service does not answer has that trouble. It is asked once more; without an
    answer nothing more is asked. Raises what `ask` raises, but for Unreachable, TooSlow and BadAnswer.
    """
    begun, found, why = time.perf_counter(), [], ""
    waiting = tuple(operations)
    for operation in waiting:
        started = time.perf_counter()
        if started - begun > budget_s:
            why = f"the budget of {budget_s:g} s was used up"
            break
        one = Found(operation=operation)
        found.append(one)
        await asyncio.gather(*(_ask(ask, one, request) for request in operation.requests))
        dead = await is_alive()
        if dead:
            one.troubles.append(f"after it the service does not answer its liveness: {dead}")
            if await is_alive():
                why = f"the service answers nothing any more since {operation.name}"
                break
        paced = (len(operation.requests) + 1) / per_second
        await asyncio.sleep(max(paced - (time.perf_counter() - started), 0.0))
    return Asked(tuple(found), {one.name: why for one in waiting[len(found) :]})


async def _ask(ask: Ask, one: Found, request: Request) -> None:
    """Send one request and note what came of it."""
    try:
        answer = await ask(one.operation, request)
    except TooSlow:
        one.answered["hangs"] += 1
        one.troubles.append(f"{excerpt(request.path, 120)} hangs")
        return
    except (Unreachable, BadAnswer) as error:
        one.answered["no answer"] += 1
        one.troubles.append(f"{excerpt(request.path, 120)}: {excerpt(error.detail, 120)}")
        return
    one.answered[str(answer.status)] += 1
    one.slowest_s = max(one.slowest_s, answer.elapsed_s)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        one.troubles.append(f"{excerpt(request.path, 120)} answered {answer.status}: {excerpt(answer.text, 120)!r}")
        one.traces.append(answer.trace_id)
    if not one.operation.documents(answer.status):
        one.undocumented[str(answer.status)] += 1
