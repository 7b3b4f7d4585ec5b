"""Waiting for steadiness: readiness may be retried, correctness never."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_delay, wait_exponential

from probes.errors import ProbeError, SourceRefused


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Whether N good answers in a row came in time, and every attempt in words, as evidence."""

    steady: bool
    attempts: tuple[str, ...]


class _NotYetError(Exception):
    """Not enough good answers in a row."""


async def await_steady(
    look: Callable[[], Awaitable[str]],
    *,
    in_a_row: int,
    deadline_s: float,
    narrate: Callable[[str], None] | None = None,
) -> Steadiness:
    """Look again and again until `in_a_row` looks in a row were good, or the deadline passed.

    `look` returns an empty string for good, else what is wrong; a ProbeError counts as what is wrong. `narrate` is told
    what is waited for, and how long still at most.

    Raises:
        SourceRefused: At once. A missing right, a wrong project or a used-up quota is not mended by looking again,
            and is no fault of the service that is looked at.
    """
    attempts: list[str] = []
    until = time.monotonic() + deadline_s

    async def round_of_looks() -> None:
        for _ in range(in_a_row):
            try:
                wrong = await look()
            except SourceRefused:
                raise
            except ProbeError as error:
                wrong = str(error)
            attempts.append(wrong or "good")
            if wrong and narrate:
                narrate(f"waiting, {max(0.0, until - time.monotonic()):.0f} s more at most: {wrong}")
            if wrong:
                raise _NotYetError(wrong)

    retrying = AsyncRetrying(
        stop=stop_after_delay(deadline_s),
        wait=wait_exponential(multiplier=0.05, max=2.0),
        retry=retry_if_exception_type(_NotYetError),
    )
    try:
        await retrying(round_of_looks)
    except RetryError:
        return Steadiness(steady=False, attempts=tuple(attempts))
    return Steadiness(steady=True, attempts=tuple(attempts))
