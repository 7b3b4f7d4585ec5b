"""A big local file of lines, processed in pieces by this process and others at once."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, TypeVar

MEBIBYTE = 1 << 20
LARGE = 64 * MEBIBYTE  # from here on, a second process is worth its start
PIECE = 32 * MEBIBYTE
MOST_PROCESSES = 4
Result = TypeVar("Result")


def is_worth_it(size: int) -> bool:
    """Whether a file of this size is read faster by several processes."""
    return size >= LARGE and (os.cpu_count() or 1) > 1


def in_pieces(work: Callable[[str, int, int], Result], path: Path, size: int) -> Iterator[Result]:
    """What `work(path, begin, end)` returns for each piece of a file, in the file's order.

    This process works from the end while the others, which take a while to start, work from the beginning. `work` has
    to be a module's function, and takes the lines that begin in its piece.
    """
    count = -(-size // PIECE)
    bounds = [size * number // count for number in range(count + 1)]
    others = min(MOST_PROCESSES, os.cpu_count() or 1) - 1
    with ProcessPoolExecutor(others, mp_context=get_context("spawn")) as pool:
        pieces = list(pairwise(bounds))
        begun: list[Future[Result]] = [pool.submit(work, str(path), begin, end) for begin, end in pieces]
        ours = {
            number: work(str(path), *pieces[number])
            for number in reversed(range(count))
            if begun[number].cancel()  # no other process has taken it yet
        }
        for number, future in enumerate(begun):
            yield ours[number] if number in ours else future.result()


def seek_line(file: BinaryIO, begin: int) -> int:
    """Go to the first line that begins at `begin` or after it; returns where that is."""
    if begin:
        file.seek(begin - 1)
        while data := file.read(MEBIBYTE):
            at = data.find(b"\n")
            if at >= 0:
                return file.seek(at + 1 - len(data), os.SEEK_CUR)
    return file.tell()
