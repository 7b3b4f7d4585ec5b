"""A soak's evidence on disk: one JSON line per event, synced at every tick, so that a kill loses only seconds."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from probes.errors import SourceRefused
from probes.soak.events import Event, Gap
from probes.soak.ledger import Ledger

FILE = Path("soak/journal.jsonl")
Clean = Callable[[Any], Any]  # from the JSON values of an event to those that may be written


def _unchanged(values: Any) -> Any:  # noqa: ANN401 - JSON values
    return values


class Journal:
    """Appends events to a file and to the ledger. `flush` makes sure that the file is on disk."""

    def __init__(self, path: Path, ledger: Ledger | None = None, clean: Clean = _unchanged) -> None:
        """`clean` removes secrets from an event before it is written: a server may have repeated one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.ledger = ledger or Ledger()
        self._file, self._clean = path.open("ab"), clean

    def note(self, event: Event) -> None:
        """Take in an event."""
        self.ledger.apply(event)
        self._file.write(msgspec.json.encode(self._clean(msgspec.to_builtins(event))) + b"\n")

    def flush(self) -> None:
        """Write everything to disk: flush and fsync."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flush, and take no more events."""
        self.flush()
        self._file.close()


def resume(before: Path, path: Path, clean: Clean = _unchanged) -> Journal:
    """Continue a run that was killed: its complete lines come first, then the gap; the half line it died in is dropped.

    Raises:
        SourceRefused: The journal does not exist, or holds something other than a soak's events.
    """
    ledger, lines = Ledger(), []
    try:
        text = before.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceRefused(f"the journal {before}", f"can't be read: {error.strerror}") from error
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            break
        try:
            ledger.apply(msgspec.json.decode(line, type=Event))
        except (ValueError, RecursionError) as error:
            raise SourceRefused(f"the journal {before}", f"line {number} is not an event of a soak: {error}") from error
        lines.append(line)
    if not ledger.frame:
        raise SourceRefused(f"the journal {before}", "holds nothing: that run had not begun")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    journal = Journal(path, ledger, clean)
    journal.note(Gap(at=time.time(), since=ledger.last_at))
    return journal
