"""Cloud Logging's `entries:list`: explicit bounds, every page, within the read quota."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from probes.errors import SourceRefused
from probes.foreign.excerpt import excerpt
from probes.foreign.limits import MIB
from probes.google.google_api import GoogleApi
from probes.logs.entries import LogEntry, LogRead
from probes.logs.parsing import parse_entry
from probes.logs.room import ROOM_BYTES, Room
from probes.problem import Problem
from probes.timing.window import Window

PAGE = 1000  # the API's most; its default is 50
MOST_PAGES = 1000  # a million entries: a quarter of an hour at the API's quota of 60 reads per minute
MOST_EMPTY = 40  # in a row: "not finished", repeated that often, is not an answer
LONGEST_FILTER = 20_000
REQUEST_FILTER = 'logName:"run.googleapis.com%2Frequests"'
SERVER_ERROR_FILTER = f"{REQUEST_FILTER} AND httpRequest.status>=500"


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
        keep: Callable[[LogEntry], bool] | None = None,
    ) -> LogRead:
        """Read a window to its end; an empty page with a token means "not finished".

        Both bounds of the window are sent: without one, clients add bounds of their own. Each condition, in the query
        language, has to hold. `most` makes do with that many of the oldest entries, which is then the reading's doubt.
        `keep` decides which entries are kept (None: all); the others are only counted.

        Raises:
            SourceRefused: Not authorised, no such project, over quota for too long, or not a list of entries.
        """
        body: dict[str, Any] = {
            "resourceNames": [f"projects/{self._project}"],
            "filter": log_filter(window, conditions, service=service, revision=revision),
            "orderBy": "timestamp asc",
            "pageSize": min(PAGE, most or PAGE),
        }
        if len(body["filter"]) > LONGEST_FILTER:
            raise ValueError(f"a filter of {len(body['filter'])} characters; the API takes {LONGEST_FILTER}")
        pile = _Pile(keep=keep)
        pages, doubt = await self._read_pages(body, pile, most)
        return pile.as_read(window, self.name, body["filter"], pages, doubt)

    async def _read_pages(self, body: dict[str, Any], pile: "_Pile", most: int | None) -> tuple[int, Problem]:
        """Pile up every page; return how many there were, and why they may not be all."""
        tokens = set[str]()
        pages = empty = 0
        while True:
            page = await self._api.ask("entries:list", "POST", "/v2/entries:list", body)
            listed = entries_of(page)
            pile.add(map(parse_entry, listed))
            pages, empty = pages + 1, 0 if listed else empty + 1
            token = str(page.get("nextPageToken") or "")
            if not token:
                return pages, ""
            if token in tokens:
                return pages, f"page {pages} names a next page that was read before: it goes round in a circle"
            if most and pile.total >= most:
                return pages, f"only the first {pile.total} were asked for"
            if empty >= MOST_EMPTY or pages >= MOST_PAGES:
                return pages, f"not at its end after {pages} pages, the last {empty} of them empty"
            tokens.add(token)
            body = body | {"pageToken": token}


@dataclass(slots=True, kw_only=True)
class _Pile:
    """Entries once per insertId (of one log and time, as the API compares them): those that are kept, and counts."""

    keep: Callable[[LogEntry], bool] | None
    kept: list[LogEntry] = field(default_factory=list)
    total: int = 0
    repeated: int = 0
    revisions: Counter[str] = field(default_factory=Counter)  # entries of the request log
    doubt: str = ""
    _room: Room = field(default_factory=Room)  # beyond it, entries are only counted
    _seen: set[int] = field(default_factory=set)  # hashes: a million keys themselves would be 300 MB

    def as_read(self, window: Window, source: str, query: str, pages: int, doubt: Problem) -> LogRead:
        """What was read, as the reading of a source."""
        return LogRead(
            entries=tuple(self.kept),
            pages=pages,
            exhausted=not doubt,
            doubt=doubt or self.doubt,
            window=window,
            source=source,
            duplicates=self.repeated,
            total=self.total,
            requests=self.revisions.total(),
            query=query,
            revisions=dict(self.revisions),
        )

    def add(self, entries: Iterable[LogEntry]) -> None:
        """Take in a page."""
        for entry in entries:
            key = hash((entry.log_name, entry.insert_id or object(), entry.timestamp))
            if key in self._seen:
                self.repeated += 1
                continue
            self._seen.add(key)
            self.total += 1
            if entry.is_request:
                self.revisions[entry.revision] += 1
            if self.keep is None or self.keep(entry):
                self._keep(entry)

    def _keep(self, entry: LogEntry) -> None:
        if self._room.takes(entry):
            self.kept.append(entry)
        else:
            self.doubt = f"more than {ROOM_BYTES // MIB} MiB of entries that matter, of which the rest was not kept"


def entries_of(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of one page. Raises SourceRefused for anything but a list of objects."""
    listed = page.get("entries", [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise SourceRefused("entries:list", f"entries are not a list of objects: {excerpt(str(listed), 160)!r}")
    return listed


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
