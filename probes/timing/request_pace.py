"""How many requests are under way at once and how many begin in a second; fewer of both after a limiter's answer."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

from probes.errors import RateLimited

Answered = TypeVar("Answered")
Other = TypeVar("Other")
Ask = Callable[[], Awaitable[Answered]]
WAIT_S, LONGEST_WAIT_S = 1.0, 10.0  # after a 429 without Retry-After, and the longest that is worth waiting for


@dataclass(slots=True, kw_only=True)
class RequestPace:
    """Requests that do not depend on each other overlap, at most `at_once` of them.

    A limiter's answer (429) to one of them may be of our own making: the pace is halved, all wait, and that one
    is asked again. One that is alone when it meets the limiter has met it for another reason.
    """

    at_once: int
    per_second: float = 0.0  # 0: no bound
    say: Callable[[str], None] = field(repr=False)  # gets a line when the pace was halved
    halved: int = 0  # how often the pace was
    _next_s: float = 0.0  # on the monotonic clock: nothing begins before
    _crowds: int = 0  # how many of them there are: one may go on while the next is asked
    _crowd: asyncio.Semaphore | None = None  # while cases are asked beside each other: bounds what all of them ask

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One request's turn: it begins when another request may, and ends with its answer."""
        async with self._crowd or nullcontext():
            await self._due()
            yield

    @asynccontextmanager
    async def crowded(self) -> AsyncIterator[None]:
        """Bound also the requests that don't know of each other, because several cases are asked beside each other."""
        self._crowd, self._crowds = self._crowd or asyncio.Semaphore(self.at_once), self._crowds + 1
        try:
            yield
        finally:
            self._crowds -= 1
            if not self._crowds:
                self._crowd = None

    def limited(self, refusal: RateLimited, halved: int) -> None:
        """Halve the pace, because a limiter refused a request that was alone in its case, beside other cases.

        `halved` is how often it had been halved when that case began: cases that were under way together meet the
        limiter together, and are one reason.
        """
        self._slow_down(refusal, halved)

    async def _due(self) -> None:
        """Wait until another request may begin."""
        now = time.monotonic()
        begins = max(now, self._next_s)
        self._next_s = begins + (1 / self.per_second if self.per_second else 0.0)
        if begins > now:
            await asyncio.sleep(begins - now)

    async def together(self, asks: Iterable[Ask[Answered]]) -> list[Answered]:
        """All answers, in the order of `asks`. Raises, once all have ended, the first error in that order."""
        answers: list[Answered] = []
        for outcome in await self.outcomes(asks):
            if isinstance(outcome, BaseException):
                raise outcome
            answers.append(outcome)
        return answers

    async def both(self, one: Ask[Answered], other: Ask[Other]) -> tuple[Answered, Other]:
        """The answers of two that are asked together. Raises what `together` raises."""
        asks: list[Ask[Any]] = [one, other]
        first, second = await self.together(asks)
        return first, second

    async def outcomes(self, asks: Iterable[Ask[Answered]]) -> list[Answered | BaseException]:
        """What each of `asks` answered or raised, in their order."""
        waiting = deque(enumerate(asks))
        found: dict[int, Answered | BaseException] = {}

        async def work(number: int) -> None:
            while waiting and number < self.at_once:  # once the pace is halved, there are too many of us
                index, ask = waiting.popleft()
                found[index] = await self._ask(ask)

        await asyncio.gather(*(work(number) for number in range(min(self.at_once, len(waiting)))))
        return [found[index] for index in sorted(found)]

    async def _ask(self, ask: Ask[Answered]) -> Answered | BaseException:
        while True:
            halved = self.halved
            outcome: Answered | BaseException
            (outcome,) = await asyncio.gather(_begun(ask), return_exceptions=True)
            if not isinstance(outcome, RateLimited) or not self._slow_down(outcome, halved):
                return outcome
            await asyncio.sleep(max(0.0, self._next_s - time.monotonic()))

    def _slow_down(self, limited: RateLimited, halved: int) -> bool:
        """Halve the pace. Whether to ask again: not if there was nothing to halve, nor if the limiter wants minutes.

        `halved` is how often the pace had been halved when the request began: those that were under way together meet
        the limiter together, and are one reason.
        """
        wait_s = WAIT_S if limited.wait_s is None else limited.wait_s
        if halved == self.halved:
            if self.at_once == 1:
                return False
            self.at_once //= 2
            self.per_second /= 2
            self.halved += 1
            if self._crowd:
                self._crowd = asyncio.Semaphore(self.at_once)
            self.say(f"asked more slowly, {self.at_once} at once: {limited.request} {limited.detail}")
        if wait_s > LONGEST_WAIT_S:
            return False
        self._next_s = max(self._next_s, time.monotonic() + wait_s)
        return True


async def _begun(ask: Ask[Answered]) -> Answered:
    return await ask()
