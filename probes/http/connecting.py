"""Opening a connection step by step, each step timed: name, TCP (through a proxy if there is one), TLS."""

import asyncio
import base64
import contextlib
import errno
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from probes.errors import ClientUnfit, PathBlocked, Unreachable
from probes.foreign.excerpt import excerpt
from probes.foreign.limits import PROXY_HEAD_BYTES
from probes.http.network_path import NetworkPath, Proxy

OUT_OF_DESCRIPTORS = frozenset({errno.ENFILE, errno.EMFILE})
# OpenSSL's X509_V_ERR_*: no one whom we trust vouches for the certificate. Any other is the certificate's own fault.
UNTRUSTED = {18: "self-signed", 19: "self-signed", 20: "an unknown issuer", 21: "an unknown issuer"}
ADDRESS_S = 2.0  # for TCP to one of several addresses: one that leads nowhere must not use up the whole deadline
HTTP_OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class ConnectionSteps:
    """How long each step took, in seconds; `tls_s` is None without TLS. `tcp_s` includes a proxy's tunnel."""

    name_s: float
    tcp_s: float
    tls_s: float | None

    @property
    def whole_s(self) -> float:
        """All steps together."""
        return self.name_s + self.tcp_s + (self.tls_s or 0.0)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def open_streams(path: NetworkPath) -> tuple[Streams, ConnectionSteps]:
    """Open a connection.

    Raises:
        Unreachable: No such name, refused or unreachable at every address, or no TLS; the detail says which.
        PathBlocked: The proxy refuses, or the certificate's issuer is not one that we trust.
        ClientUnfit: We are out of descriptors.
    """
    request = f"connect {path.authority}"
    plain, opened = await dial(path, request)
    begun = time.perf_counter()
    streams = await secure(plain, path, request)
    return streams, ConnectionSteps(opened.name_s, opened.tcp_s, time.perf_counter() - begun if path.tls else None)


async def secure(plain: socket.socket, path: NetworkPath, request: str) -> Streams:
    """Put TLS over a connection if the path has it, and return its streams. Raises Unreachable, PathBlocked."""
    try:
        # server_hostname is also what the certificate must be for
        return await asyncio.open_connection(sock=plain, ssl=path.tls, server_hostname=path.host if path.tls else None)
    except (OSError, ssl.SSLError) as error:
        raise tls_error(error, request) from error
    except BaseException:
        plain.close()
        raise


def tls_error(error: OSError, request: str) -> Unreachable | PathBlocked:
    """Whose fault an error during the TLS handshake is: ours if we lack trust in the issuer, else the server's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in UNTRUSTED:
            return PathBlocked(
                request,
                f"TLS: we don't trust the certificate: {error.verify_message}. If it is of your own CA, name the CA's "
                "file in [network] ca_file (NETRA_NETWORK__CA_FILE)",
            )
        return Unreachable(request, f"TLS: the certificate is not good: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return Unreachable(request, f"TLS: {error.reason or error}")
    return Unreachable(request, f"TLS: {type(error).__name__}: {error}")


async def dial(path: NetworkPath, request: str) -> tuple[socket.socket, ConnectionSteps]:
    """Open a TCP connection to the host itself, or a proxy's tunnel to it; TLS is still to come. Raises as above."""
    begun = time.perf_counter()
    host, port = (path.proxy.host, path.proxy.port) if path.proxy else (path.host, path.port)
    addresses = await _addresses(host, port, request, behind=path.proxy)
    named = time.perf_counter()
    plain = await _dial(addresses, request, path.proxy)
    try:
        if path.proxy:
            await _tunnel(plain, path, path.proxy, request)
    except BaseException:
        plain.close()
        raise
    return plain, ConnectionSteps(named - begun, time.perf_counter() - named, None)


Address = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Every address of a name. Raises socket.gaierror, UnicodeError.

    In a thread of its own that nothing waits for: a resolver that hangs would hold up the loop's executor, and with it
    the end of the run.
    """
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass  # a name, and no address
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[Address]] = loop.create_future()

    def look_up() -> None:
        try:
            answer = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            _tell(loop, found, error)
        else:
            _tell(loop, found, answer)

    threading.Thread(target=look_up, name=f"resolve {host}", daemon=True).start()
    return await found


def _tell(
    loop: asyncio.AbstractEventLoop, found: "asyncio.Future[Sequence[Address]]", answer: Sequence[Address] | Exception
) -> None:
    """Hand an answer to the loop, from another thread, unless nothing waits for it any more."""

    def take() -> None:
        if found.done():
            return
        if isinstance(answer, Exception):
            found.set_exception(answer)
        else:
            found.set_result(answer)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(take)


async def _addresses(host: str, port: int, request: str, behind: Proxy | None) -> Sequence[Address]:
    try:
        return await resolve(host, port)
    except (socket.gaierror, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if behind:
            raise PathBlocked(request, f"proxy {behind.authority}: no such name: {reason}") from error
        raise Unreachable(request, f"no such name: {reason}") from error


async def _dial(addresses: Sequence[Address], request: str, proxy: Proxy | None) -> socket.socket:
    """Connect by TCP to the first address that accepts."""
    refused = "no address"
    for number, (family, kind, protocol, _, address) in enumerate(addresses, start=1):
        try:
            plain = socket.socket(family, kind, protocol)
        except OSError as error:
            if error.errno in OUT_OF_DESCRIPTORS:
                why = f"we are out of descriptors ({error.strerror}): raise `ulimit -n`"
                raise ClientUnfit(request, why) from error
            refused = f"{type(error).__name__}: {error.strerror or error}"
            continue
        try:
            plain.setblocking(False)  # noqa: FBT003 - socket's own signature
            async with asyncio.timeout(ADDRESS_S if number < len(addresses) else None):
                await asyncio.get_running_loop().sock_connect(plain, address)
        except (OSError, TimeoutError) as error:
            plain.close()
            refused = f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
        except BaseException:
            plain.close()
            raise
        else:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain
    if proxy:
        raise PathBlocked(request, f"proxy {proxy.authority}: {refused}; see HTTPS_PROXY and NO_PROXY")
    raise Unreachable(request, refused)


async def _tunnel(plain: socket.socket, path: NetworkPath, proxy: Proxy, request: str) -> None:
    """Ask the proxy for a tunnel. Raises PathBlocked: a proxy's refusal says nothing about the service."""
    loop = asyncio.get_running_loop()
    host = f"[{path.host}]" if ":" in path.host else path.host
    place = f"{host}:{path.port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if proxy.user:
        pair = base64.b64encode(f"{proxy.user}:{proxy.password.reveal()}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {pair}")
    head = bytearray()
    try:
        await loop.sock_sendall(plain, "".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        while b"\r\n\r\n" not in head and len(head) < PROXY_HEAD_BYTES:
            # One byte at a time: what follows the head belongs to the tunnel.
            data = await loop.sock_recv(plain, 1)
            if not data:
                break
            head += data
    except OSError as error:
        raise PathBlocked(request, f"proxy {proxy.authority}: {type(error).__name__}: {error}") from error
    refuse_tunnel(bytes(head), proxy, request)


def refuse_tunnel(head: bytes, proxy: Proxy, request: str) -> None:
    """Raise PathBlocked unless a proxy's answer to CONNECT opens the tunnel."""
    first, _, _ = head.partition(b"\r\n")
    words = first.split(None, 2)
    good = len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1].isdigit()
    status = int(words[1][:3]) if good else 0
    if status in HTTP_OK and head.endswith(b"\r\n\r\n"):
        return
    shown = excerpt(first.decode("latin-1"), 80)
    advice = (
        "it wants a user and a password, as in HTTPS_PROXY=http://user:password@host:port"
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
        else "have it let us through, or let NO_PROXY hold the target's host"
    )
    raise PathBlocked(request, f"proxy {proxy.authority} refuses the tunnel ({shown!r}): {advice}")
