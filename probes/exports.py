"""Exported logs: a JSON array, NDJSON or the client library's envelope, plain or gzip, read with DuckDB."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import fsspec

from probes.errors import SourceRefused
from probes.logs import LogEntry, LogRead, Window, once, parse_entry, parse_time

GZIP = b"\x1f\x8b"
LARGEST_ENTRY = 64 * 1024 * 1024


class ExportFile:
    """One exported file, local or at any fsspec URL, as a source of entries.

    An export says nothing of its own window or limit: one that holds exactly 50, 100 or 1000 entries is taken to
    have stopped at that limit, and then it proves no absence.
    """

    def __init__(self, url: str, truncation_sizes: frozenset[int]) -> None:
        self.name = f"export {url.rpartition('/')[2]}"
        self._url = url
        self._truncation_sizes = truncation_sizes

    async def read(
        self, window: Window | None = None, conditions: Sequence[str] = (), *, service: str = "", revision: str = ""
    ) -> LogRead:
        """Read the whole file, and keep the entries of a service and revision (all when empty).

        `conditions` in the API's language can't be applied to a file and must be empty.

        Raises:
            SourceRefused: Unreadable, empty, cut in the middle, or about another service or revision.
        """
        if conditions:
            raise ValueError(f"an export can't be asked {conditions}")
        raw = load_export(self._url)
        entries, duplicates = once(map(parse_entry, raw))
        kept = tuple(entry for entry in entries if _about(entry, service, revision))
        if not kept:
            held = sorted({f"{entry.service} {entry.revision}" for entry in entries})
            wanted = f"{service} {revision}".strip()
            raise SourceRefused(self.name, f"holds nothing of {wanted}; it is about {', '.join(held[:5])}")
        doubt = f"stops at exactly {len(raw)} entries, a limit" if len(raw) in self._truncation_sizes else ""
        times = sorted(parse_time(entry.timestamp) for entry in entries if entry.timestamp)
        covered = Window(times[0], times[-1]) if times else window
        if covered is None:
            raise SourceRefused(self.name, "has no entry with a timestamp")
        requests = sum(entry.is_request for entry in kept)
        return LogRead(kept, 1, not doubt, doubt, covered, self.name, duplicates, len(kept), requests)


def _about(entry: LogEntry, service: str, revision: str) -> bool:
    return entry.service == (service or entry.service) and entry.revision == (revision or entry.revision)


def load_export(url: str) -> list[dict[str, Any]]:
    """Every entry of an exported file. Raises SourceRefused naming the file and what is wrong with it."""
    try:
        with fsspec.open(url, "rb") as file:
            data = file.read()
        data = gzip.decompress(data) if data[:2] == GZIP else data
    except (OSError, EOFError, ValueError) as error:
        raise SourceRefused(url, f"can't be read: {type(error).__name__}: {error}") from error
    text = data.strip()
    if not text:
        raise SourceRefused(url, "is empty: an export without entries proves nothing")
    try:
        entries = _parse(text, url)
    except (ValueError, duckdb.Error) as error:
        raise SourceRefused(url, f"is cut in the middle or no log export: {error}") from error
    if not entries:
        raise SourceRefused(url, "holds no entry: it proves nothing")
    return entries


def _parse(text: bytes, url: str) -> list[dict[str, Any]]:
    if text[:1] == b"[":
        return _objects(json.loads(text))
    first, _, rest = text.partition(b"\n")
    if not rest or not first.rstrip().endswith(b"}"):
        whole = json.loads(text)
        return _objects(whole["entries"] if isinstance(whole, dict) and "entries" in whole else [whole])
    return _ndjson(url)


def _ndjson(url: str) -> list[dict[str, Any]]:
    """Lines by DuckDB: several times faster than one json.loads a line, and it names the line that is broken."""
    path = Path(url.removeprefix("file://"))
    if not path.exists():
        with fsspec.open(url, "rb", compression="infer") as file:
            return [json.loads(line) for line in file if line.strip()]
    rows = duckdb.execute(
        "SELECT json FROM read_ndjson_objects(?, maximum_object_size=?)", [str(path), LARGEST_ENTRY]
    ).fetchall()
    return _objects([json.loads(row[0]) for row in rows])


def _objects(entries: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - whatever the file holds
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("not a list of entries")
    return entries
