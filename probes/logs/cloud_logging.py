"""Cloud Logging's `entries:list`: explicit bounds, every page, within the read quota."""

from collections.abc import Sequence
from typing import Any

from probes.errors import SourceRefused
from probes.google.api import GoogleApi
from probes.logs.entries import LogRead, once, parse_entry
from probes.window import Window

PAGE = 1000  # the API's most; its default is 50
MOST_PAGES = 2000
MOST_EMPTY = 40  # in a row: "not finished" said so often is not an answer
LONGEST_FILTER = 20_000
REQUESTS = 'logName:"run.googleapis.com%2Frequests"'
SERVER_ERRORS = f"{REQUESTS} AND httpRequest.status>=500"


class CloudLogging:
    """Reads the entries of one project."""

    def __init__(self, api: GoogleApi, project: str) -> None:
        self.name = f"Cloud Logging of project {project}"
        self._api = api
        self._project = project

    async def read(
        self,
        window: Window,
        conditions: Sequence[str] = (),
        *,
        service: str = "",
        revision: str = "",
        most: int | None = None,
    ) -> LogRead:
        """Read a window to its end; an empty page with a token means "not finished".

        Args:
            window: Both bounds are sent: without one, clients add bounds of their own.
            conditions: Further conditions in the query language, each has to hold.
            service: Of this service only.
            revision: Of this revision only.
            most: Be content with the oldest so many, and say so in the reading's doubt.

        Raises:
            SourceRefused: Not authorised, no such project, over quota for too long, or no list of entries.
        """
        body: dict[str, Any] = {
            "resourceNames": [f"projects/{self._project}"],
            "filter": log_filter(window, conditions, service=service, revision=revision),
            "orderBy": "timestamp asc",
            "pageSize": min(PAGE, most or PAGE),
        }
        if len(body["filter"]) > LONGEST_FILTER:
            raise ValueError(f"a filter of {len(body['filter'])} characters; the API takes {LONGEST_FILTER}")
        raw: list[dict[str, Any]] = []
        pages = empty = 0
        doubt = ""
        while not doubt:
            page = await self._api.ask("entries:list", "POST", "/v2/entries:list", body)
            found = entries_of(page)
            raw += found
            pages, empty = pages + 1, 0 if found else empty + 1
            if not page.get("nextPageToken"):
                break
            body = body | {"pageToken": page["nextPageToken"]}
            if most and len(raw) >= most:
                doubt = f"only the first {len(raw)} were asked for"
            if empty >= MOST_EMPTY or pages >= MOST_PAGES:
                doubt = f"not at its end after {pages} pages, the last {empty} of them empty"
        entries, duplicates = once(map(parse_entry, raw))
        requests = sum(entry.is_request for entry in entries)
        return LogRead(
            entries, pages, not doubt, doubt, window, self.name, duplicates, len(entries), requests, body["filter"]
        )


def entries_of(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of one page. Raises SourceRefused for what is no list of objects."""
    found = page.get("entries", [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise SourceRefused("entries:list", f"entries are no list of objects: {str(found)[:160]!r}")
    return found


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
