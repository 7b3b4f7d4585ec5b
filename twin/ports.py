"""Loopback ports: free ones, and whether a given one is taken."""

import os
import socket
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 10_240, 32_768  # the end is the kernel's, where it says from where on it takes ports itself
KERNELS = Path("/proc/sys/net/ipv4/ip_local_port_range")
APART = 32  # between the places where two processes begin whose ids follow each other: a twin has fewer ports
_given: set[int] = set()  # by this process


class PortTakenError(Exception):
    """A port that was asked for is in use."""


def free_ports(count: int) -> list[int]:
    """That many free ports, all different, for a server that is about to start.

    They stay free until it starts: each process begins at a place of its own, gets no port twice, and they lie below
    those that the kernel gives to outgoing connections.
    """
    lowest, highest = LOWEST, max(_end(), LOWEST + 1000)
    begin = lowest + os.getpid() * APART % (highest - lowest)
    ports = (port for port in chain(range(begin, highest), range(lowest, begin)) if port not in _given)
    found = list(islice(filter(_is_free, ports), count))
    _given.update(found)
    return found


def _end() -> int:
    """The first port that the kernel may give to an outgoing connection."""
    try:
        return int(KERNELS.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):  # another system than Linux
        return HIGHEST


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


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
