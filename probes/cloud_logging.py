"""Cloud Logging's `entries:list`: explicit bounds, every page, within the read quota."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from probes.errors import ProbeError, SourceRefused
from probes.http import Answer, HttpClient
from probes.logs import LogRead, Window, once, parse_entry

PAGE = 1000  # the API's most
MOST_PAGES = 2000
MOST_EMPTY = 40  # in a row: "not finished" said so often is not an answer
QUOTA_DEADLINE_S = 150.0  # 60 reads a minute: two windows of the quota and a half
TOO_MANY, OK = 429, 200
Authorize = Callable[[], Awaitable[str]]


class _QuotaError(Exception):
    """429: the read quota is used up for this minute."""


class CloudLogging:
    """Reads the entries of one project."""

    def __init__(self, client: HttpClient, project: str, authorize: Authorize) -> None:
        self.name = f"Cloud Logging of project {project}"
        self._client = client
        self._project = project
        self._authorize = authorize

    async def read(
        self, window: Window, conditions: Sequence[str] = (), *, service: str = "", revision: str = ""
    ) -> LogRead:
        """Read a window to its end; an empty page with a token means "not finished".

        Raises:
            SourceRefused: Not authorised, no such project, over quota for too long, or not JSON.
        """
        body = {
            "resourceNames": [f"projects/{self._project}"],
            "filter": log_filter(window, conditions, service=service, revision=revision),
            "orderBy": "timestamp asc",
            "pageSize": PAGE,
        }
        raw: list[dict[str, Any]] = []
        pages = empty = 0
        doubt = ""
        while not doubt:
            page = await self._page(body)
            found = page.get("entries", [])
            raw += found
            pages, empty = pages + 1, 0 if found else empty + 1
            if not page.get("nextPageToken"):
                break
            body = body | {"pageToken": page["nextPageToken"]}
            if empty >= MOST_EMPTY or pages >= MOST_PAGES:
                doubt = f"not at its end after {pages} pages, the last {empty} of them empty"
        entries, duplicates = once(map(parse_entry, raw))
        return LogRead(entries, pages, not doubt, doubt, window, self.name, duplicates)

    async def _page(self, body: dict[str, Any]) -> dict[str, Any]:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_QuotaError),
            stop=stop_after_delay(QUOTA_DEADLINE_S),
            wait=wait_exponential(multiplier=1, max=20),
            reraise=True,
        )
        try:
            answer: Answer = await retrying(self._ask, body)
        except _QuotaError as error:
            raise SourceRefused("entries:list", f"over the read quota for {QUOTA_DEADLINE_S:g} s (429)") from error
        try:
            page = json.loads(answer.body)
        except ValueError as error:
            raise SourceRefused(
                "entries:list", f"status {answer.status}, but no JSON: {answer.text[:200]!r}"
            ) from error
        if not isinstance(page, dict):
            raise SourceRefused("entries:list", f"not an object: {answer.text[:200]!r}")
        return page

    async def _ask(self, body: dict[str, Any]) -> Answer:
        token = await self._authorize()
        try:
            answer = await self._client.send("POST", "/v2/entries:list", json=body, token=token or None)
        except ProbeError as error:
            raise SourceRefused("entries:list", error.detail) from error
        if answer.status == TOO_MANY:
            raise _QuotaError
        if answer.status != OK:
            raise SourceRefused("entries:list", refusal(answer))
        return answer


def refusal(answer: Answer) -> str:
    """What a Google API's refusal comes to, and what to do about it."""
    advice = {
        401: "the credentials are not accepted or have expired: authenticate again",
        403: "the account lacks the right: roles/logging.viewer, roles/run.viewer and roles/monitoring.viewer",
        404: "no such project, service or API there: see [platform] of the target",
    }.get(answer.status, "the API itself is failing")
    return f"status {answer.status}: {advice} ({answer.text[:160]!r})"


def log_filter(window: Window, conditions: Sequence[str], *, service: str = "", revision: str = "") -> str:
    """A filter in the Logging query language, bounded on both sides."""
    parts = [
        'resource.type="cloud_run_revision"',
        f'timestamp>="{window.start.isoformat()}"',
        f'timestamp<="{window.end.isoformat()}"',
    ]
    parts += [f'resource.labels.service_name="{service}"'] if service else []
    parts += [f'resource.labels.revision_name="{revision}"'] if revision else []
    return "\nAND ".join([*parts, *(f"({condition})" for condition in conditions)])
