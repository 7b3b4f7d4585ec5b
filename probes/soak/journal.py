"""A soak's evidence on disk: one JSON line an event, written through at every tick, so that a kill loses seconds."""

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


def _as_it_is(values: Any) -> Any:  # noqa: ANN401 - JSON values
    return values


class Journal:
    """Appends events to a file and to the ledger at once. `flush` makes sure of the file."""

    def __init__(self, path: Path, ledger: Ledger | None = None, clean: Clean = _as_it_is) -> None:
        """`clean` takes secrets out of an event before it is written: a server may have repeated one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.ledger = ledger or Ledger()
        self._file, self._clean = path.open("ab"), clean

    def note(self, event: Event) -> None:
        """Take an event in."""
        self.ledger.apply(event)
        self._file.write(msgspec.json.encode(self._clean(msgspec.to_builtins(event))) + b"\n")

    def flush(self) -> None:
        """Have everything on disk, not in a buffer of ours or of the kernel's."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flush, and no more events."""
        self.flush()
        self._file.close()


def resume(before: Path, path: Path, clean: Clean = _as_it_is) -> Journal:
    """Go on with a run that was killed: its whole lines come first, then the gap; the half line it died in is left.

    Raises:
        SourceRefused: There is no such journal, or it holds something else than a soak's events.
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
        except (msgspec.DecodeError, ValueError) as error:
            raise SourceRefused(f"the journal {before}", f"line {number} is no event of a soak: {error}") from error
        lines.append(line)
    if not ledger.frame:
        raise SourceRefused(f"the journal {before}", "holds nothing: that run had not begun")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    journal = Journal(path, ledger, clean)
    journal.note(Gap(at=time.time(), since=ledger.last_at))
    return journal
