"""Calling published operations, one after the other, and whether the service is still up after each."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from probes.errors import BadAnswer, TooSlow, Unreachable
from probes.foreign.excerpt import excerpt
from probes.foreign.url_passwords import holds_password
from probes.http.client import Answer
from probes.openapi.operations import Operation, Request
from probes.problem import Problem

Ask = Callable[[Operation, Request], Awaitable[Answer]]
IsAlive = Callable[[], Awaitable[Problem]]
DEAD = "the service does not answer its liveness"


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
    is_alive: IsAlive,
    *,
    per_second: float,
    budget_s: float,
    shows_secret: Callable[[str], bool] = holds_password,
) -> Asked:
    """Call each operation with all of its requests at once, in this order; after each, is the service still alive?

    While we look, the next operation is called already: if the service is dead then, both are called again, alone, and
    it is the trouble of the one after which it is dead again. `ask` sends one request under its own deadline. At most
    `per_second` requests are sent, and for `budget_s` in all; what doesn't fit in is not asked, and nothing more if the
    service stays dead. A body that `shows_secret` is a trouble. Raises what `ask` raises, except NOT_ANSWERED.
    """
    begun, why = time.perf_counter(), ""
    caller = _Caller(ask=ask, is_alive=is_alive, per_second=per_second, shows_secret=shows_secret)
    waiting = tuple(operations)
    for operation in waiting:
        if time.perf_counter() - begun > budget_s:
            why = f"the budget of {budget_s:g} s was used up"
            break
        await caller.call(operation)
        if caller.dead_since:
            break
    await caller.finish()
    if caller.dead_since:
        why = f"the service answers nothing any more since {caller.dead_since}"
    return Asked(tuple(caller.found), {operation.name: why for operation in waiting[len(caller.found) :]})


@dataclass(slots=True, kw_only=True)
class _Caller:
    """Calls one operation after the other, and looks after each whether the service is still alive."""

    ask: Ask
    is_alive: IsAlive
    per_second: float
    shows_secret: Callable[[str], bool]
    found: list[Behaviour] = field(default_factory=list[Behaviour])
    dead_since: str = ""  # the operation after which the service stays dead, or the two that it may be

    async def call(self, operation: Operation) -> None:
        """Call an operation, and look meanwhile whether the service is alive after the one before."""
        latest = Behaviour(operation=operation)
        dead, _ = await asyncio.gather(self._look(), self._send(latest))
        self.found.append(latest)
        if dead:
            await self._tell_apart(dead)

    async def finish(self) -> None:
        """Look whether the service is alive after the last operation."""
        if self.found and not self.dead_since:
            await self._is_survived(self.found[-1])

    async def _look(self) -> Problem:
        """Why the service is dead after what was called so far, if it is."""
        return await self.is_alive() if self.found else ""

    async def _send(self, behaviour: Behaviour) -> None:
        """Send an operation's requests, and take the time that they and a look may take."""
        started, requests = time.perf_counter(), behaviour.operation.requests
        await asyncio.gather(*(_ask(self.ask, behaviour, request, self.shows_secret) for request in requests))
        paced = (len(requests) + 1) / self.per_second
        await asyncio.sleep(max(paced - (time.perf_counter() - started), 0.0))

    async def _is_survived(self, behaviour: Behaviour) -> bool:
        """Whether the service is alive after an operation, at the first look; noted as its trouble if it is not."""
        dead = await self.is_alive()
        if dead:
            behaviour.troubles.append(f"after it {DEAD}: {dead}")
            if await self.is_alive():
                self.dead_since = behaviour.operation.name
        return not dead

    async def _tell_apart(self, dead: Problem) -> None:
        """Put it down to one of the latest two operations that the service was dead; to both if neither shows it."""
        before, latest = self.found[-2:]
        either = f"{before.operation.name} or {latest.operation.name}, called in one moment"
        if await self.is_alive():
            self.dead_since = either
        elif await self._shows_alone(before, latest):
            return
        for behaviour in (before, latest):
            behaviour.troubles.append(f"after {either}, {DEAD}: {dead}")

    async def _shows_alone(self, before: Behaviour, latest: Behaviour) -> bool:
        """Call both again, one after the other, until the service is dead again; whether it was."""
        await self._send(before)
        if await self._is_survived(before):
            await self._send(latest)
            return not await self._is_survived(latest)
        self.found.pop()  # what the latest was answered in that moment says nothing about it
        if not self.dead_since:
            self.found.append(Behaviour(operation=latest.operation))
            await self._send(self.found[-1])
        return True


async def _ask(ask: Ask, behaviour: Behaviour, request: Request, shows_secret: Callable[[str], bool]) -> None:
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
    if shows_secret(answer.text):
        behaviour.troubles.append(f"{path} answered {answer.status} with a password or a secret key in its body")
        behaviour.traces.append(answer.trace_id)
    elif answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        behaviour.troubles.append(f"{path} answered {answer.status}: {excerpt(answer.text, 120)!r}")
        behaviour.traces.append(answer.trace_id)
    if not behaviour.operation.documents(answer.status):
        behaviour.undocumented[str(answer.status)] += 1
