"""Where an exported log is: a local file, or a file of any file system that fsspec knows."""

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from probes.problem import Problem


def why_not_there(url: str) -> Problem:
    """Why no export can be read at a name that a user gave, as the end of a sentence; empty if one may be there."""
    local = url.removeprefix("file://")
    if "://" in local:
        return _why_no_scheme(local)
    if not local:
        return "is empty: name a file, or leave it out"
    try:
        kind = Path(local).stat().st_mode
    except OSError as error:
        return f"can't be read ({error.strerror}): name the exported file"
    if stat.S_ISDIR(kind):
        return "is a folder: name the exported file in it"
    if not stat.S_ISREG(kind):
        return "is a pipe or a device, and an export is read more than once: save it to a file first"
    return "" if os.access(local, os.R_OK) else "can't be read (Permission denied): make it readable for this user"


def _why_no_scheme(url: str) -> Problem:
    import fsspec  # noqa: PLC0415 - slow to import, and a local file has no use for it

    scheme = re.split("://|::", url, maxsplit=1)[0]
    known = scheme in fsspec.available_protocols()
    return "" if known else f"has an unknown scheme, {scheme!r}: name a file, or a URL such as gs://bucket/path"


@contextmanager
def open_file(url: str, buffer: int) -> "Iterator[io.BufferedReader[Any]]":
    """Open a local file, or anything that fsspec knows by URL. Raises OSError, ValueError or ImportError."""
    if "://" not in url:
        with Path(url).open("rb") as file:
            yield file
        return
    import fsspec  # noqa: PLC0415 - slow to import, and a worker on a local file has no use for it

    with _as_os_error():
        # fsspec.open() would take the query of a URL that is not there for a pattern.
        files, path = fsspec.core.url_to_fs(url)
        stream = files.open(path, "rb")
    with stream, io.BufferedReader(_Foreign(stream), buffer) as file:
        yield file


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Every file system and each of its libraries raises errors of its own, also in the middle of a file."""
    try:
        yield
    except (OSError, ImportError):
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


class _Foreign(io.RawIOBase):
    """A file of another file system, all of whose errors are OSError."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer, as in the base class
        """Fill the buffer as far as there is something; 0 at the end."""
        with _as_os_error():
            data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
