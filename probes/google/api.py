"""Google's REST APIs over httpx: authorised, paced within a quota, backing off, and refused in one sentence."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_exponential

from probes.errors import ProbeError, SourceRefused
from probes.http.client import Answer, HttpClient
from probes.secret import Secret

OK, UNAUTHORIZED, TOO_MANY = 200, 401, 429
FAILING = frozenset({500, 502, 503, 504})
MINUTE_S = 60.0
QUOTA_DEADLINE_S = 150.0  # quotas are per minute: two windows of it and a half
MOST_FAILURES = 4  # of the API itself, in a row
ADVICE: Mapping[int, str] = {
    401: "the credentials are not accepted or have expired: authenticate again",
    403: "the account lacks the right: roles/logging.viewer, roles/run.viewer and roles/monitoring.viewer",
    404: "no such project, service or API there: see [platform] of the target",
    429: "over the quota: fewer readers of this project at once, or a higher quota",
}


class Authorize(Protocol):
    """Gives an access token, or an empty text where none is needed."""

    async def __call__(self, *, anew: bool = False) -> Secret:
        """The token; `anew`: the last one was refused, get another. Raises SourceRefused when none can be had."""


class Pacer:
    """Lets at most so many calls begin in any minute."""

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
            SourceRefused: Everything that is no JSON object in the end; `said` names the request.
        """
        try:
            answer = await self._patiently(method, path, body)
        except _QuotaError as error:
            raise SourceRefused(said, f"over the read quota for {QUOTA_DEADLINE_S:g} s (429)") from error
        except _FailingError as error:
            raise SourceRefused(said, refusal(error.answer)) from error
        except ProbeError as error:
            raise error if isinstance(error, SourceRefused) else SourceRefused(said, error.detail) from error
        if answer.status != OK:
            raise SourceRefused(said, refusal(answer))
        try:
            told = msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SourceRefused(said, f"status {answer.status}, but no JSON: {answer.text[:200]!r}") from error
        if not isinstance(told, dict):
            raise SourceRefused(said, f"not an object: {answer.text[:200]!r}")
        return told

    async def _patiently(self, method: str, path: str, body: object) -> Answer:
        within_quota = AsyncRetrying(
            retry=retry_if_exception_type(_QuotaError),
            stop=stop_after_delay(QUOTA_DEADLINE_S),
            wait=wait_exponential(multiplier=1, max=20),
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
        answer = await self._send(method, path, body, anew=False)
        if answer.status == UNAUTHORIZED:  # workload identity's tokens live for minutes: they may end in mid-run
            answer = await self._send(method, path, body, anew=True)
        if answer.status == TOO_MANY:
            raise _QuotaError
        if answer.status in FAILING:
            raise _FailingError(answer)
        return answer

    async def _send(self, method: str, path: str, body: object, *, anew: bool) -> Answer:
        token = await self._authorize(anew=anew)
        if self._pacer:
            await self._pacer.wait()
        return await self._client.send(method, path, json=body, token=token or None)


def refusal(answer: Answer) -> str:
    """What a Google API's refusal comes to, and what to do about it."""
    advice = ADVICE.get(answer.status, "the API itself is failing")
    return f"status {answer.status}: {advice} ({answer.text[:160]!r})"
