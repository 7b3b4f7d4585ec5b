"""A soak's evidence on disk: one JSON line an event, written through at every tick, so that a kill loses seconds."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from probes.errors import SourceRefused
from probes.soak.ledger import Event, Ledger

FILE = Path("soak/journal.jsonl")
Clean = Callable[[Event], Event]


def _as_it_is(event: Event) -> Event:
    return event


class Journal:
    """Appends events to a file and to the ledger at once. `flush` makes sure of the file."""

    def __init__(self, path: Path, ledger: Ledger | None = None, clean: Clean = _as_it_is) -> None:
        """`clean` takes secrets out of an event before it is written: a server may have repeated one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.ledger = ledger or Ledger()
        self._file, self._clean = path.open("a", encoding="utf-8"), clean

    def note(self, event_type: str, /, *, at: float | None = None, **facts: Any) -> None:  # noqa: ANN401 - JSON values
        """Take an event in."""
        event: Event = {"t": event_type, "at": time.time() if at is None else at, **facts}
        self.ledger.apply(event)
        self._file.write(json.dumps(self._clean(event), separators=(",", ":")) + "\n")

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
            ledger.apply(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceRefused(f"the journal {before}", f"line {number} is no event of a soak: {error}") from error
        lines.append(line)
    if not ledger.frame:
        raise SourceRefused(f"the journal {before}", "holds nothing: that run had not begun")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    journal = Journal(path, ledger, clean)
    journal.note("gap", since=ledger.last_at)
    return journal
