"""Opening a connection in its steps, each timed by itself: name, TCP, TLS."""

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

from probes.errors import Unreachable


@dataclass(frozen=True, slots=True)
class Opened:
    """How long each step took, in seconds; `tls_s` is None where there is no TLS."""

    name_s: float
    tcp_s: float
    tls_s: float | None

    @property
    def whole_s(self) -> float:
        """All steps together."""
        return self.name_s + self.tcp_s + (self.tls_s or 0.0)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def open_streams(host: str, port: int, tls: ssl.SSLContext | None) -> tuple[Streams, Opened]:
    """Open a connection.

    Raises:
        Unreachable: No such name, refused or unreachable at every address, or no TLS; the detail says which.
    """
    loop = asyncio.get_running_loop()
    said = f"connect {host}:{port}"
    begun = time.perf_counter()
    try:
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise Unreachable(said, f"no such name: {error.strerror}") from error
    named = time.perf_counter()
    plain = await _dial(addresses, said)
    dialled = time.perf_counter()
    try:
        # server_hostname is also what the certificate must be for
        streams = await asyncio.open_connection(sock=plain, ssl=tls, server_hostname=host if tls else None)
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(said, f"TLS: the certificate is not to be trusted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise Unreachable(said, f"TLS: {error.reason or error}") from error
    except OSError as error:
        raise Unreachable(said, f"TLS: {type(error).__name__}: {error}") from error
    secured = time.perf_counter() - dialled if tls else None
    return streams, Opened(named - begun, dialled - named, secured)


Address = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


async def _dial(addresses: Sequence[Address], said: str) -> socket.socket:
    """TCP to the first address that takes us."""
    loop = asyncio.get_running_loop()
    refused = "no address"
    for family, kind, protocol, _, address in addresses:
        plain = socket.socket(family, kind, protocol)
        plain.setblocking(False)  # noqa: FBT003 - socket's own signature
        try:
            await loop.sock_connect(plain, address)
        except OSError as error:
            plain.close()
            refused = f"{type(error).__name__}: {error.strerror or error}"
        except BaseException:
            plain.close()
            raise
        else:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain
    raise Unreachable(said, refused)
