"""Calling published operations, one after the other, and whether the service is still up after each."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from probes.errors import BadAnswer, TooSlow, Unreachable
from probes.foreign.excerpt import excerpt
from probes.http.client import Answer
from probes.openapi.operations import Operation, Request
from probes.problem import Problem

Ask = Callable[[Operation, Request], Awaitable[Answer]]


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """How one operation behaved."""

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
    """How all of them behaved, and which were not asked, with the reason."""

    found: tuple[Behaviour, ...]
    not_asked: dict[str, str]


async def ask_operations(
    operations: Iterable[Operation],
    ask: Ask,
    is_alive: Callable[[], Awaitable[Problem]],
    *,
    per_second: float,
    budget_s: float,
) -> Asked:
    """Call each operation with all of its requests at once, in this order; after each, is the service still alive?

    `ask` sends one request under its own deadline. At most `per_second` requests are sent, and for `budget_s` in all;
    operations that don't fit in are not asked. If the service is dead after an operation, that is the operation's
    trouble; if it stays dead, nothing more is asked. Raises what `ask` raises, except NOT_ANSWERED.
    """
    begun, behaviours, why = time.perf_counter(), list[Behaviour](), ""
    waiting = tuple(operations)
    for operation in waiting:
        started = time.perf_counter()
        if started - begun > budget_s:
            why = f"the budget of {budget_s:g} s was used up"
            break
        behaviour = Behaviour(operation=operation)
        behaviours.append(behaviour)
        await asyncio.gather(*(_ask(ask, behaviour, request) for request in operation.requests))
        if not await _is_survived(behaviour, is_alive):
            why = f"the service answers nothing any more since {operation.name}"
            break
        paced = (len(operation.requests) + 1) / per_second
        await asyncio.sleep(max(paced - (time.perf_counter() - started), 0.0))
    return Asked(tuple(behaviours), {operation.name: why for operation in waiting[len(behaviours) :]})


async def _is_survived(behaviour: Behaviour, is_alive: Callable[[], Awaitable[Problem]]) -> bool:
    """Whether the service is alive after an operation, at the second look at the latest; notes it if not at first."""
    dead = await is_alive()
    if not dead:
        return True
    behaviour.troubles.append(f"after it the service does not answer its liveness: {dead}")
    return not await is_alive()


async def _ask(ask: Ask, behaviour: Behaviour, request: Request) -> None:
    """Send one request and note how it was answered."""
    path = excerpt(request.path, 120)
    try:
        answer = await ask(behaviour.operation, request)
    except TooSlow:
        behaviour.answered["hangs"] += 1
        behaviour.troubles.append(f"{path} hangs")
        return
    except (Unreachable, BadAnswer) as error:
        behaviour.answered["no answer"] += 1
        behaviour.troubles.append(f"{path}: {excerpt(error.detail, 120)}")
        return
    behaviour.answered[str(answer.status)] += 1
    behaviour.slowest_s = max(behaviour.slowest_s, answer.elapsed_s)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        behaviour.troubles.append(f"{path} answered {answer.status}: {excerpt(answer.text, 120)!r}")
        behaviour.traces.append(answer.trace_id)
    if not behaviour.operation.documents(answer.status):
        behaviour.undocumented[str(answer.status)] += 1
