"""The network path from here to one base URL, the same for every client: proxy, certificate authorities, front headers.

Every client (httpx, the measuring transport, WebSockets, Google's APIs) takes its path from here, so that none of them
can reach what another can't.
"""

import os
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi

from probes.secret import Secret

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?")  # a name, or an address of either version
SECURE = frozenset({"https", "wss"})
IDENTITY_HEADER = (
    "X-Serverless-Authorization"  # Cloud Run takes it off; https://cloud.google.com/run/docs/authenticating
)
SYSTEM_STORE = ("SSL_CERT_FILE", "SSL_CERT_DIR")

Value = str | Secret
Identity = Callable[[], Awaitable[Secret]]  # an identity token that is valid now


class UnusablePath(ValueError):
    """A configured path that not every client could use; the text names the variable or key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy, asked for a tunnel with CONNECT."""

    url: Secret  # may hold a password
    host: str
    port: int
    user: str = ""
    password: Secret = field(default_factory=Secret)

    @property
    def authority(self) -> str:
        """The proxy without its password."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPath:
    """The path to one base URL. `tls` is None without TLS, `proxy` if the path is direct."""

    url: str
    tls: ssl.SSLContext | None
    proxy: Proxy | None = None
    headers: tuple[tuple[str, Value], ...] = ()  # for what stands in front of the service
    identity: Identity | None = None

    @property
    def host(self) -> str:
        """The name or address, without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port; the scheme's own if the URL names none."""
        return _port(urlsplit(self.url))

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    async def front_headers(self) -> list[tuple[str, Value]]:
        """What every request carries for what is in front of the service. Raises what `identity` raises."""
        token = await self.identity() if self.identity else Secret()
        return [*self.headers, *([(IDENTITY_HEADER, token.derive("Bearer {}".format))] if token else [])]


def find_path(
    url: str, *, ca_file: str = "", headers: tuple[tuple[str, Value], ...] = (), identity: Identity | None = None
) -> NetworkPath:
    """The path to a URL as this machine's environment has it (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY).

    `ca_file` (PEM) is trusted in addition to what the machine trusts.

    Raises:
        UnusablePath: A proxy of a kind that not every client can use, or a CA file that can't be used.
    """
    scheme = urlsplit(url).scheme
    return NetworkPath(
        url=url,
        tls=trust(ca_file) if scheme in SECURE else None,
        proxy=_proxy_before(url),
        headers=headers,
        identity=identity,
    )


def _port(parts: SplitResult) -> int:
    return parts.port or PORTS.get(parts.scheme, 80)


def _proxy_before(url: str) -> Proxy | None:
    """The proxy that this machine's environment sets for a URL; None for a direct connection."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK or proxy_bypass(f"{host}:{_port(parts)}") or proxy_bypass(host):
        return None
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    proxies = getproxies()
    named = proxies.get(scheme) or proxies.get("all") or ""
    return _read_proxy(named, scheme) if named else None


def _read_proxy(named: str, scheme: str) -> Proxy:
    variable = f"{scheme.upper()}_PROXY (or ALL_PROXY)"
    try:
        parts = urlsplit(named if "://" in named else f"http://{named}")
        port = 80 if parts.port is None else parts.port
    except ValueError:
        parts, port = None, 0
    if not port or not parts or not HOST.fullmatch(parts.hostname or ""):  # no error is quoted: it may hold a password
        raise UnusablePath(f"{variable} is not the URL of a proxy: write http://host:port.") from None
    if parts.scheme != "http":
        raise UnusablePath(
            f"{variable} names a proxy of the kind {parts.scheme}://, which not every client here can use: name one "
            "of the kind http://host:port (it tunnels TLS just as well), or let NO_PROXY hold the target's host."
        )
    user, password = unquote(parts.username or ""), Secret(unquote(parts.password or ""))
    host = parts.hostname or ""
    return Proxy(url=Secret(f"http://{parts.netloc}"), host=host, port=port, user=user, password=password)


@cache  # each context reads all CAs, which takes 25 ms
def trust(ca_file: str) -> ssl.SSLContext:
    """What this machine trusts (OpenSSL's own variables count), certifi's list, and the given file.

    Raises UnusablePath for a file that can't be used.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if not any(os.environ.get(name) for name in SYSTEM_STORE):
        context.load_verify_locations(certifi.where())
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UnusablePath(
                f"The CA file {ca_file} ([network] ca_file, NETRA_NETWORK__CA_FILE) can't be used: "
                f"{getattr(error, 'strerror', None) or error}. It must be a PEM file with the CA's certificate."
            ) from error
    return context
