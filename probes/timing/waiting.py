"""Waiting for steadiness: readiness may be retried, correctness never."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_delay, wait_exponential

from probes.errors import ProbeError, RateLimited, SourceRefused
from probes.problem import Problem


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Whether N good answers in a row came in time, and every attempt in words, as evidence."""

    steady: bool
    attempts: tuple[str, ...]


class _NotYetError(Exception):
    """Not enough good answers in a row."""


async def await_steady(
    look: Callable[[], Awaitable[Problem]],
    *,
    in_a_row: int,
    deadline_s: float,
    narrate: Callable[[str], None] | None = None,
) -> Steadiness:
    """Look again and again until `in_a_row` looks in a row were good, or the deadline passed.

    `look` returns what is wrong; a ProbeError counts as wrong too. `narrate` gets a line that says what we wait for,
    and how long still at most.

    Raises:
        RateLimited: At the deadline, if a limiter answered the last look: it says nothing about the service.
        SourceRefused: At once. Looking again does not help with a missing right, a wrong project or a used-up quota,
            and none of them is the fault of the service that is looked at.
    """
    rounds = _Rounds(look, in_a_row, time.monotonic() + deadline_s, narrate)
    retrying = AsyncRetrying(
        stop=stop_after_delay(deadline_s),
        wait=wait_exponential(multiplier=0.05, max=2.0),
        retry=retry_if_exception_type(_NotYetError),
    )
    try:
        await retrying(rounds.look_in_a_row)
    except RetryError:
        if rounds.limited is not None:
            raise rounds.limited from None
        return Steadiness(steady=False, attempts=tuple(rounds.attempts))
    return Steadiness(steady=True, attempts=tuple(rounds.attempts))


class _Rounds:
    """Rounds of looks, each of which ends with the first look that is not good."""

    def __init__(
        self,
        look: Callable[[], Awaitable[Problem]],
        in_a_row: int,
        until: float,
        narrate: Callable[[str], None] | None,
    ) -> None:
        self._look, self._in_a_row = look, in_a_row
        self._until, self._narrate = until, narrate
        self.attempts: list[str] = []
        self.limited: RateLimited | None = None  # by the last look

    async def look_in_a_row(self) -> None:
        """One round. Raises _NotYetError, SourceRefused."""
        for _ in range(self._in_a_row):
            problem = await self._look_once()
            self.attempts.append(problem or "good")
            if problem and self._narrate:
                left_s = max(0.0, self._until - time.monotonic())
                self._narrate(f"waiting, {left_s:.0f} s more at most: {problem}")
            if problem:
                raise _NotYetError(problem)

    async def _look_once(self) -> Problem:
        self.limited = None
        try:
            return await self._look()
        except SourceRefused:
            raise
        except ProbeError as error:
            self.limited = error if isinstance(error, RateLimited) else None
            return str(error)
