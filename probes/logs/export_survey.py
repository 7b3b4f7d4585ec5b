"""Reading an export of any size once, in memory that does not grow with it: counts, and the entries that matter.

Entries are parsed as far as they have to be: which service and revision, which log, which status, and whether the
payload could hold a known incident or a credential. Those that could, and those that look odd in any way, are parsed
whole, and judged by `probes.logs.parsing` and `probes.logs.entries` alone. Where the narrow parse stumbles (a value of
an odd type, an escape that is half a character) the plain one decides. Every entry in the file is counted; telling
entries are kept once per insertId.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, datetime
from functools import partial
from http import HTTPStatus
from itertools import compress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from probes.errors import SourceRefused
from probes.foreign.excerpt import excerpt
from probes.logs.entries import REQUEST_LOG, RESOURCE, LogEntry, is_telling, project_of
from probes.logs.export_formats import CHUNK, iterate_objects, open_export
from probes.logs.file_chunks import in_pieces, is_worth_it, seek_line
from probes.logs.incidents import Incidents
from probes.logs.parsing import in_order, in_utc, parse_entry
from probes.logs.repeated_keys import read_entry
from probes.logs.room import Room

MOST_KEPT = 20_000


@dataclass(slots=True, kw_only=True)
class Survey:
    """What an export holds."""

    incidents: Incidents
    kinds: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # project, service, revision
    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # of these, in the request log
    foreign: Counter[str] = field(default_factory=Counter)  # entries of other resource types
    problems: Counter[str] = field(default_factory=Counter)  # entries that can't be judged, by their problem
    telling: dict[tuple[str, str, str], LogEntry] = field(default_factory=dict)  # see `is_telling`; once each
    repeated: int = 0  # telling entries that came again
    room: Room = field(default_factory=Room)
    dropped: int = 0  # telling entries for which there was no room
    first: str = ""
    last: str = ""
    more: str = ""  # an envelope's token for a next page

    @property
    def total(self) -> int:
        """Every entry."""
        return self.kinds.total()

    def keep(self, entry: LogEntry) -> None:
        """Keep a telling entry, once."""
        key = entry.log_name, entry.insert_id or f"#{len(self.telling)}", entry.timestamp
        if key in self.telling:
            self.repeated += 1
        elif len(self.telling) < MOST_KEPT and self.room.takes(entry):
            self.telling[key] = entry
        else:
            self.dropped += 1

    def add(self, raw: Mapping[str, Any]) -> None:
        """Take in one entry that was parsed whole."""
        entry = parse_entry(raw)
        kind = entry.project, entry.service, entry.revision
        self.kinds[kind] += 1
        self.requests[kind] += entry.is_request
        self.cover([entry.timestamp])
        if entry.is_foreign:
            self.foreign[entry.resource_type] += 1
        if entry.problem:
            self.problems[entry.problem] += 1
        if is_telling(entry, self.incidents):
            self.keep(entry)

    def merge(self, other: "Survey") -> None:
        """Take in another part of the same export."""
        self.kinds += other.kinds
        self.requests += other.requests
        self.foreign += other.foreign
        self.problems += other.problems
        self.repeated += other.repeated
        self.dropped += other.dropped
        self.cover([other.first, other.last])
        for entry in other.telling.values():
            self.keep(entry)

    def cover(self, times: Iterable[str]) -> None:
        """Take in time stamps."""
        for time in times:
            if time:
                self.first = min(self.first or time, time, key=in_order)
                self.last = max(self.last, time, key=in_order)


NOTHING = msgspec.Raw()
ESCAPED_KEY = re.compile(rb'"[A-Za-z]*\\u00[0-7][0-9A-Fa-f][^"]*"\s*:')  # a key with a letter written by its number


class _Labels(msgspec.Struct, frozen=True, gc=False):
    service_name: str = ""
    revision_name: str = ""


class _Resource(msgspec.Struct, frozen=True, gc=False):
    type: str = ""
    labels: _Labels = _Labels()


NO_RESOURCE = _Resource()


class _Request(msgspec.Struct, frozen=True, gc=False):
    status: int | float | str | None = None


class _Narrow(msgspec.Struct, frozen=True, gc=False):
    logName: str = ""  # noqa: N815 - the API's own names
    timestamp: datetime | None = None
    resource: _Resource = NO_RESOURCE
    httpRequest: _Request | None = None  # noqa: N815 - the same
    textPayload: str | None = None  # noqa: N815 - the same
    jsonPayload: msgspec.Raw = NOTHING  # noqa: N815 - the same
    protoPayload: msgspec.Raw = NOTHING  # noqa: N815 - the same


NARROW = msgspec.json.Decoder(_Narrow)


def survey(url: str, incidents: Incidents) -> Survey:
    """Survey a whole export. Raises SourceRefused for one that can't be read to its end."""
    found = Survey(incidents=incidents)
    with open_export(url) as export:
        if export.form != "lines":
            for raw in iterate_objects(export):
                found.add(raw)
            found.more = export.more
            return found
        size = export.plain.stat().st_size if export.plain else 0
        if export.plain is None or not is_worth_it(size):
            return survey_lines(export.stream, url, incidents)
        for part in in_pieces(partial(survey_piece, incidents), export.plain, size):
            found.merge(part)
        return found


def survey_piece(incidents: Incidents, path: str, begin: int, end: int) -> Survey:
    """Survey the lines of a file that begin in a piece of it."""
    with Path(path).open("rb") as file:
        seek_line(file, begin)
        return survey_lines(file, path, incidents, begin, end)


def survey_lines(stream: BinaryIO, url: str, incidents: Incidents, begin: int = 0, end: int | None = None) -> Survey:
    """Survey NDJSON from where the stream is; with `end`, the lines that begin before it."""
    found, rest = Survey(incidents=incidents), b""
    place = stream.tell() if end is not None else begin
    while data := stream.read(CHUNK):
        cut = data.rfind(b"\n") + 1
        if not cut:
            rest += data
            continue
        batch, rest = rest + data[:cut], data[cut:]
        if end is not None and place + len(batch) > end:
            # The last batch: up to the end of the line in which the piece ends.
            stop = batch.find(b"\n", max(0, end - place - 1)) + 1 if place < end else 0
            _survey_batch(batch[:stop], url, found)
            return found
        _survey_batch(batch, url, found)
        place += len(batch)
    if rest.strip() and (end is None or place < end):
        _survey_batch(rest, url, found)
    return found


def _survey_batch(batch: bytes, url: str, found: Survey) -> None:
    """Survey whole lines; blank ones don't count."""
    lines = [line for line in batch.split(b"\n") if line.strip()]
    try:
        entries = NARROW.decode_lines(batch)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        entries = []
    if len(entries) != len(lines) or not all(map(_is_whole, lines)):
        # msgspec also takes two entries on one line, and one on two: then no number says which line an entry is on.
        _survey_plainly(lines, url, found)
        return
    odd = _with_a_key_twice(batch, lines, entries)
    plain = [_is_plain(entry) and number not in odd for number, entry in enumerate(entries)]
    for number, entry in enumerate(entries):
        if not plain[number]:
            found.add(read_entry(lines[number]))
        elif _could_tell(entry, found.incidents) and is_telling(
            whole := parse_entry(read_entry(lines[number])), found.incidents
        ):
            found.keep(whole)
    _count(entries if all(plain) else list(compress(entries, plain)), found)


def _is_whole(line: bytes) -> bool:
    return line.lstrip().startswith(b"{") and line.rstrip().endswith(b"}")


def _with_a_key_twice(batch: bytes, lines: Sequence[bytes], entries: Sequence[_Narrow]) -> frozenset[int]:
    """The entries that may have one of the judged keys twice, of which the narrow parse sees the last."""
    present = {
        b'"status"': sum(entry.httpRequest is not None and entry.httpRequest.status is not None for entry in entries),
        b'"logName"': sum(bool(entry.logName) for entry in entries),
        b'"timestamp"': sum(entry.timestamp is not None for entry in entries),
        b'"resource"': sum(entry.resource is not NO_RESOURCE for entry in entries),
        b'"httpRequest"': sum(entry.httpRequest is not None for entry in entries),
        b'"textPayload"': sum(entry.textPayload is not None for entry in entries),
        b'"jsonPayload"': sum(entry.jsonPayload is not NOTHING for entry in entries),
    }
    # Every entry that has a key has it at least once: a batch without more of them has none twice.
    more = [key for key, count in present.items() if batch.count(key) > count]
    if not more and b"\\u00" not in batch:
        return frozenset()
    return frozenset(
        number
        for number, line in enumerate(lines)
        if any(line.count(key) > 1 for key in more) or ESCAPED_KEY.search(line)
    )


def _count(entries: list[_Narrow], found: Survey) -> None:
    together = Counter(
        [(entry.logName, entry.resource.labels.service_name, entry.resource.labels.revision_name) for entry in entries]
    )
    for (log, service, revision), count in together.items():
        kind = project_of(log), service, revision
        found.kinds[kind] += count
        if log.endswith(REQUEST_LOG):
            found.requests[kind] += count
    times = [entry.timestamp for entry in entries if entry.timestamp is not None]
    if times:
        found.cover((in_utc(min(times)), in_utc(max(times))))


def _is_plain(entry: _Narrow) -> bool:
    """Whether the narrow parse has everything that is counted; else the whole entry decides."""
    stamp, request = entry.timestamp, entry.httpRequest
    return (
        stamp is not None
        and stamp.tzinfo is not None
        and MINYEAR < stamp.year < MAXYEAR
        and entry.resource.type in {RESOURCE, ""}
        and bool(entry.logName)
        and (
            type(request.status) is int and 0 <= request.status < HTTPStatus.INTERNAL_SERVER_ERROR
            if request is not None
            else not entry.logName.endswith("requests")
        )
    )


def _could_tell(entry: _Narrow, incidents: Incidents) -> bool:
    """Whether the whole entry has to be looked at: a superset of `is_telling`, for plain entries."""
    if entry.textPayload is not None and incidents.may_show(entry.textPayload):
        return True
    # A Raw that is not there is `NOTHING` itself: looking at its bytes costs more than the comparison.
    return (entry.jsonPayload is not NOTHING and _raw_may_tell(bytes(entry.jsonPayload), incidents)) or (
        entry.protoPayload is not NOTHING and _raw_may_tell(bytes(entry.protoPayload), incidents)
    )


def _raw_may_tell(payload: bytes, incidents: Incidents) -> bool:
    """The same for raw JSON, in which any letter may be written by its number, and a slash with a backslash."""
    return b"\\u00" in payload or b"\\/" in payload or incidents.may_show(payload.decode(errors="replace"))


def _survey_plainly(lines: Iterable[bytes], url: str, found: Survey) -> None:
    for line in lines:
        try:
            raw = read_entry(line)
        except (ValueError, RecursionError) as error:
            where = f"entry {found.total + 1} or after it ({excerpt(line, 60)!r})"
            raise SourceRefused(url, f"is cut in the middle or not a log export: {where}: {error}") from error
        if not isinstance(raw, dict):
            raise SourceRefused(url, f"is not a list of entries: {excerpt(line, 60)!r}")
        found.add(raw)
