"""Loopback ports: free ones, and whether a given one is taken."""

import socket
from collections.abc import Iterable

LOOPBACK = "127.0.0.1"


class PortTakenError(Exception):
    """A port that was asked for is in use."""


def free_ports(count: int) -> list[int]:
    """That many free ports, all different: they are held open together until all are known."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


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
