"""How much memory the entries of a log may take that are kept: a text with one emoji takes four bytes a character."""

import sys
from dataclasses import dataclass

from probes.foreign.limits import MIB
from probes.logs.entries import LogEntry

ROOM_BYTES = 32 * MIB
ENTRY_BYTES = 1200  # for an entry without its text, measured with all fields of a request's


@dataclass(slots=True)
class Room:
    """What is taken so far, in bytes of memory."""

    taken: int = 0

    def takes(self, entry: LogEntry) -> bool:
        """Whether there is room for one more; if so, it is taken."""
        size = ENTRY_BYTES + sys.getsizeof(entry.text)
        if self.taken + size > ROOM_BYTES:
            return False
        self.taken += size
        return True
