"""Local files that others may have put there: a pipe, a device or a loop of links in the place of a file."""

import errno
import os
import stat
from pathlib import Path


def read_regular(path: Path) -> bytes:
    """The bytes of a regular file.

    Raises:
        OSError: It can't be read, or is a pipe or a device: reading that could wait for ever, or never end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer blocks in open()
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def resolve(path: Path) -> Path:
    """Where a path leads; of a loop of links, a path that can't be opened.

    `Path.resolve` raises RuntimeError for a loop before Python 3.13, which no reader of files expects.
    """
    return Path(os.path.realpath(path))
