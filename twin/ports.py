"""Loopback ports: free ones, and whether a given one is taken."""

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 10_240, 32_768  # the end is the kernel's, where it says from where on it takes ports itself
KERNELS = Path("/proc/sys/net/ipv4/ip_local_port_range")


class PortTakenError(Exception):
    """A port that was asked for is in use."""


def free_ports(count: int) -> list[int]:
    """That many free ports, all different, for a server that is about to start.

    They stay free until it starts: processes that ask at the same time are given others, in turn, and they lie below
    those that the kernel gives to outgoing connections.
    """
    held = list[socket.socket]()
    lowest, highest = LOWEST, max(_end(), LOWEST + 1000)
    try:
        with _turn() as file:
            begin = _number_in(file, lowest, highest)
            for port in chain(range(begin, highest), range(lowest, begin)):
                held += _bound(port)
                if len(held) == count:
                    break
            ports: list[int] = [one.getsockname()[1] for one in held]
            file.seek(0)
            file.truncate()
            file.write(f"{ports[-1] + 1}")
        return ports
    finally:
        for one in held:
            one.close()


def _end() -> int:
    """The first port that the kernel may give to an outgoing connection."""
    try:
        return int(KERNELS.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):  # another system than Linux
        return HIGHEST


@contextmanager
def _turn() -> Iterator[IO[str]]:
    """The file with the next port, while no other process has it."""
    path = Path(tempfile.gettempdir()) / f"netra-twin-ports-{os.getuid()}"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _number_in(file: IO[str], lowest: int, highest: int) -> int:
    """The port to begin with: the file's, or a place of this user's own where it has none."""
    said = file.read(8)
    number = int(said) if said.isdigit() else lowest + os.getuid() * 977 % (highest - lowest)
    return number if lowest <= number < highest else lowest


def _bound(port: int) -> list[socket.socket]:
    """A socket that holds the port; none if it is in use."""
    one = socket.socket()
    try:
        one.bind((LOOPBACK, port))
    except OSError:
        one.close()
        return []
    return [one]


def refuse_taken(wanted: Iterable[tuple[str, int]]) -> None:
    """Raise PortTakenError naming the first option whose port is in use."""
    for option, port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                raise PortTakenError(
                    f"port {port} ({option}) can't be had on {LOOPBACK}: {error.strerror}. "
                    "Name another, or leave the option away to get a free one."
                ) from error
