"""The 5xx of an export of lines, and nothing else, at the speed of a text search: a quick refutation.

Not every line is parsed, so finding none proves nothing about the file: see the survey (`probes.logs.export_survey`).

A line is a candidate, and parsed whole, when it holds a key `"status"` whose value is not plainly 1xx to 4xx, or an
escape of a letter or a digit: JSON lets any of them be written so, in the key or in the value. No line with a 5xx can
be anything else: its key is there in letters or with an escape, and its value is not one of 1 to 4, two digits and an
end. A self-test compares this with a parse of every line.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from probes.errors import SourceRefused
from probes.foreign.excerpt import excerpt
from probes.logs.entries import LogEntry
from probes.logs.export_formats import CHUNK, iterate_objects, open_export
from probes.logs.file_chunks import in_pieces, is_worth_it, seek_line
from probes.logs.parsing import parse_entry
from probes.logs.repeated_keys import read_entry
from probes.logs.room import Room

STATUS = re.compile(rb'"status"\s*:(?!\s*"?[1-4][0-9][0-9]["\s,}])')
TRACE = re.compile(rb'"trace"\s*:\s*"([^"]*)"')
ESCAPED = re.compile(rb"\\u00(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])")


def scan_errors(url: str) -> list[LogEntry]:
    """Every 5xx in an export, and whatever looks like one and can't be read, as it comes: twice where it came twice.

    Of any resource: `LogEntry.is_foreign` distinguishes a load balancer's 5xx from the service's own.

    Raises:
        SourceRefused: Unreadable, or a candidate that is not JSON.
    """
    with open_export(url) as export:
        if export.form != "lines":
            return [entry for raw in iterate_objects(export) if _matters(entry := parse_entry(raw))]
        size = export.plain.stat().st_size if export.plain else 0
        if export.plain is None or not is_worth_it(size):
            return _errors(scan_lines(export.stream, 0, None), url)
        return _errors((line for found in in_pieces(scan_piece, export.plain, size) for line in found), url)


def scan_traces(url: str, traces: frozenset[str]) -> list[LogEntry]:
    """The entries of these traces outside the request log, as many as there is room for.

    They only explain: a line that can't be read is passed over here.

    Raises:
        SourceRefused: Unreadable.
    """
    room = Room()
    with open_export(url) as export:
        found = _lines_of(export.stream, traces) if export.form == "lines" else iterate_objects(export)
        entries = (parse_entry(raw) for raw in found)
        return [entry for entry in entries if entry.trace_id in traces and not entry.is_request and room.takes(entry)]


def _lines_of(stream: BinaryIO, traces: frozenset[str]) -> Iterator[dict[str, Any]]:
    for line in stream:
        match = TRACE.search(line)
        if match and match[1].rpartition(b"/")[2].decode(errors="replace") in traces:
            with suppress(ValueError, RecursionError):
                raw = read_entry(line)
                yield from [raw] if isinstance(raw, dict) else []


def scan_piece(path: str, begin: int, end: int) -> list[bytes]:
    """The candidates among the lines of a file that begin in a piece of it."""
    with Path(path).open("rb") as file:
        place = seek_line(file, begin)
        return list(scan_lines(file, place, end)) if place < end else []


def _errors(candidates: Iterator[bytes], url: str) -> list[LogEntry]:
    found = []
    for line in candidates:
        try:
            raw = read_entry(line)
        except (ValueError, RecursionError) as error:
            raise SourceRefused(
                url, f"is cut in the middle or not a log export: {excerpt(line, 60)!r}: {error}"
            ) from error
        entry = parse_entry(raw) if isinstance(raw, dict) else None
        if entry is not None and _matters(entry):
            found.append(entry)
    return found


def _matters(entry: LogEntry) -> bool:
    return entry.has_server_error or bool(entry.problem)


def scan_lines(stream: BinaryIO, place: int, end: int | None) -> Iterator[bytes]:
    """The candidates among the lines from where the stream is; with `end`, of lines that begin before it.

    The buffer is filled again and again; only a line that it cuts is moved, and only one longer than it makes it grow.
    """
    buffer, kept = bytearray(CHUNK), 0
    while True:
        if kept == len(buffer):
            buffer.extend(bytes(len(buffer)))
        with memoryview(buffer) as view:
            got = stream.readinto(view[kept:])  # type: ignore[attr-defined]  # all streams opened here have it
        have = kept + got
        stop = buffer.rfind(b"\n", 0, have) + 1 if got else have
        last = end is not None and place + stop >= end
        if last and end is not None:
            stop = buffer.find(b"\n", max(0, end - place - 1), have) + 1 or stop
        yield from _candidates(buffer, stop)
        if last or not got:
            return
        place += stop
        kept = have - stop
        buffer[:kept] = buffer[stop:have]


def _candidates(buffer: bytearray, stop: int) -> Iterator[bytes]:
    patterns = [STATUS]
    if buffer.find(b"\\", 0, stop) >= 0 and buffer.find(b"\\u00", 0, stop) >= 0:
        patterns.append(ESCAPED)
    lines: dict[int, int] = {}
    for pattern in patterns:
        past = 0
        for match in pattern.finditer(buffer, 0, stop):
            if match.start() >= past:  # else it is in a line that is a candidate already
                newline = buffer.find(b"\n", match.end(), stop)
                past = stop if newline < 0 else newline
                lines[buffer.rfind(b"\n", 0, match.start()) + 1] = past
    for begin, end in sorted(lines.items()):
        yield bytes(buffer[begin:end])
