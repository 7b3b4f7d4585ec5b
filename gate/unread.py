"""Output that is not read: its reader has gone (`| head`), its disk is full, or it was closed from the start (`>&-`).

What is printed then is lost, and nothing else changes: neither what a command does nor its exit code.
"""

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

STREAMS = ((1, "stdout"), (2, "stderr"))


class _Lossy(io.FileIO):
    """A file to which every write succeeds; what can't be written is lost."""

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has a buffer, which has no name before Python 3.12
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def lossy(descriptor: int, *, encoding: str = "utf-8", closefd: bool = True) -> TextIO:
    """A text stream on a descriptor, to which writing never fails: neither print() nor Python's own last flush.

    Each line is written at once, so that what several streams write to one descriptor keeps its order.
    """
    buffer = io.BufferedWriter(_Lossy(descriptor, "wb", closefd=closefd))
    return io.TextIOWrapper(buffer, encoding=encoding, errors="backslashreplace", line_buffering=True)


def secure_output() -> None:
    """Make stdout and stderr streams to which writing never fails; call it once, before anything else in our process.

    A closed one is opened on the null device: otherwise the next file that is opened would get its number, and with it
    whatever is printed.
    """
    _open_what_is_closed()
    for descriptor, name in STREAMS:
        before: TextIO | None = getattr(sys, name)
        if before is None:  # Python found it closed, and another file may have its number by now
            setattr(sys, name, lossy(os.open(os.devnull, os.O_WRONLY), closefd=False))
        elif _descriptor_of(before) == descriptor:
            with suppress(OSError):  # what was printed so far is not read, either
                before.flush()
            setattr(sys, name, lossy(descriptor, encoding=before.encoding, closefd=False))


def _descriptor_of(stream: TextIO) -> int | None:
    """None of a stream in memory, which can always be written to."""
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def _open_what_is_closed() -> None:
    """Open the standard descriptors that are closed; a new one always gets the lowest free number."""
    for descriptor, flag in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, flag)
            os.set_inheritable(opened, True)  # noqa: FBT003 - its only form; the standard ones are inherited


def drop(stream: TextIO) -> None:
    """Send a stream's output nowhere from now on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
