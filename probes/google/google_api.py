"""Google's REST APIs over httpx: authorised, paced within a quota, backing off, and refused in one sentence."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

from probes.errors import ProbeError, SourceRefused
from probes.foreign.excerpt import excerpt
from probes.foreign.json_values import refuse_size
from probes.http.client import Answer, HttpClient
from probes.secret import Secret

QUOTA_REASONS = ("rateLimitExceeded", "quotaExceeded", "RESOURCE_EXHAUSTED")  # of BigQuery's 403
FAILING = frozenset({500, 502, 503, 504})
MINUTE_S = 60.0
QUOTA_DEADLINE_S = 150.0  # quotas are per minute: two windows of it and a half
WHOLE_DEADLINE_S = QUOTA_DEADLINE_S + 2 * MINUTE_S  # our own pacing of a minute and slow answers included
LONGEST_WAIT_S = 20.0  # if the API does not say how long
MOST_DIGITS = 9  # of a Retry-After in seconds: a longer one means for ever
MOST_FAILURES = 4  # of the API itself, in a row
ADVICE: Mapping[int, str] = {
    401: "the credentials are not accepted or have expired: authenticate again",
    403: "the account lacks the right: roles/logging.viewer, roles/run.viewer and roles/monitoring.viewer",
    404: "no such project, service or API there: see [platform] of the target",
    429: "over the quota: fewer readers of this project at once, or a higher quota",
}


class Authorize(Protocol):
    """Gives an access token, or an empty one if none is needed."""

    async def __call__(self, *, renew: bool = False) -> Secret:
        """The token; `renew`: the last one was refused, get another. Raises SourceRefused if there is none."""


class Pacer:
    """Lets at most `per_minute` calls begin in any minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._begun: deque[float] = deque()
        self._turn = asyncio.Lock()

    async def wait(self) -> None:
        """Return when the next call may begin."""
        async with self._turn:
            now = time.monotonic()
            while self._begun and self._begun[0] <= now - MINUTE_S:
                self._begun.popleft()
            if len(self._begun) >= self._per_minute:
                await asyncio.sleep(self._begun.popleft() + MINUTE_S - now)
            self._begun.append(time.monotonic())


class _QuotaError(Exception):
    """429: the quota is used up for this minute."""

    def __init__(self, asked_s: float | None) -> None:
        super().__init__(asked_s)
        self.asked_s = asked_s  # by Retry-After; None if it has nothing that can be read


class _FailingError(Exception):
    """The API itself failed."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class GoogleApi:
    """One API. Reading may be asked again (nothing is judged by how often it was); a refusal is final."""

    def __init__(self, client: HttpClient, authorize: Authorize, pacer: Pacer | None = None) -> None:
        self._client = client
        self._authorize = authorize
        self._pacer = pacer

    async def ask(self, said: str, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask once successfully and return the answer's object.

        A 401 gets one fresh token, a 429 a wait within the quota's minute, a 5xx of the API a few more tries.

        Raises:
            SourceRefused: There was no JSON object in the end; `said` names the request.
        """
        answer = await self._answered(said, method, path, body)
        if answer.status != HTTPStatus.OK:
            raise SourceRefused(said, refusal(answer))
        return _object_of(answer, said)

    async def _answered(self, said: str, method: str, path: str, body: object) -> Answer:
        """The answer in the end, within the deadline for all attempts. Raises SourceRefused."""
        try:
            async with asyncio.timeout(WHOLE_DEADLINE_S):
                return await self._patiently(method, path, body)
        except _QuotaError as error:
            asked = f"; it asks to wait for {error.asked_s:.0f} s" if error.asked_s else ""
            raise SourceRefused(said, f"over the read quota for {QUOTA_DEADLINE_S:g} s (429){asked}") from error
        except TimeoutError as error:
            raise SourceRefused(said, f"no usable answer within {WHOLE_DEADLINE_S:g} s") from error
        except _FailingError as error:
            raise SourceRefused(said, refusal(error.answer)) from error
        except ProbeError as error:
            raise error if isinstance(error, SourceRefused) else SourceRefused(said, error.detail) from error

    async def _patiently(self, method: str, path: str, body: object) -> Answer:
        within_quota = AsyncRetrying(
            retry=retry_if_exception_type(_QuotaError),
            stop=_is_over,
            wait=_as_asked,
            reraise=True,
        )
        over_failures = AsyncRetrying(
            retry=retry_if_exception_type(_FailingError),
            stop=stop_after_attempt(MOST_FAILURES),
            wait=wait_exponential(multiplier=0.1, max=2),
            reraise=True,
        )
        answer: Answer = await over_failures(within_quota, self._once, method, path, body)
        return answer

    async def _once(self, method: str, path: str, body: object) -> Answer:
        answer = await self._send(method, path, body, renew=False)
        if answer.status == HTTPStatus.UNAUTHORIZED:  # workload identity's tokens last minutes: less than a run may
            answer = await self._send(method, path, body, renew=True)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS or (
            answer.status == HTTPStatus.FORBIDDEN and any(reason in answer.text for reason in QUOTA_REASONS)
        ):
            raise _QuotaError(retry_after_s(answer.headers))
        if answer.status in FAILING:
            raise _FailingError(answer)
        return answer

    async def _send(self, method: str, path: str, body: object, *, renew: bool) -> Answer:
        token = await self._authorize(renew=renew)
        if self._pacer:
            await self._pacer.wait()
        return await self._client.send(method, path, json=body, token=token or None)


def _object_of(answer: Answer, said: str) -> dict[str, Any]:
    """The JSON object in an answer. Raises SourceRefused."""
    try:
        refuse_size(answer.body)
        body = msgspec.json.decode(answer.body)
    except ValueError as error:  # msgspec's own, bytes that are not UTF-8, and what is over a bound
        raise SourceRefused(
            said, f"status {answer.status}, but not JSON ({error}): {excerpt(answer.text)!r}"
        ) from error
    if not isinstance(body, dict):
        raise SourceRefused(said, f"not an object: {excerpt(answer.text)!r}")
    return body


def refusal(answer: Answer) -> str:
    """What a Google API's refusal comes to, and what to do about it."""
    advice = ADVICE.get(answer.status, "the API itself is failing")
    return f"status {answer.status}: {advice} ({excerpt(answer.text, 160)!r})"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long a `Retry-After` asks to wait: seconds, or the time until a date; None for what is neither (RFC 9110).

    A date is compared with the answer's own `Date`: the clocks of both sides need not agree.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:MOST_DIGITS]) if len(text) <= MOST_DIGITS else float("inf")
    until, now = _date(text), _date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds()) if until else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None  # not a date: the header is read as if it were not there
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _asked_s(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.asked_s if isinstance(error, _QuotaError) else None


def _as_asked(state: RetryCallState) -> float:
    """As long as the API asks, at least a second; else longer from time to time."""
    asked = _asked_s(state)
    return wait_exponential(multiplier=1, max=LONGEST_WAIT_S)(state) if asked is None else max(1.0, asked)


def _is_over(state: RetryCallState) -> bool:
    """Whether the deadline has passed, or would have by the time that the API asks us to come back."""
    return (state.seconds_since_start or 0.0) + (_asked_s(state) or 0.0) >= QUOTA_DEADLINE_S
