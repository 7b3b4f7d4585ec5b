"""One way to a door for every client: through a proxy, by a private CA, over IPv6, past an identity in front."""

import asyncio
import http
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from probes.errors import PathBlocked, Unreachable
from probes.http.client import HttpClient
from probes.http.network_path import NetworkPath, UnusablePath, find_path
from probes.http.timing_transport import TimingTransport
from probes.identity import RunIdentity
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from probes.websocket.handshake import Refused
from probes.websocket.sessions import Doorway
from tests.authority import make_authority
from tests.probes.websocket.joining import DIALECT
from tests.tunnel import tunnelling

RUN = RunIdentity("a-run")
NAME = "service.invalid"  # it does not exist: only the proxy knows where that is
FRONT = "X-Serverless-Authorization"


@asynccontextmanager
async def door(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", identity: str = "") -> AsyncIterator[int]:
    """A service with HTTP and a WebSocket at /ws; with `identity` something like Google IAM is in front.

    Yields the port.
    """

    async def answer(connection: ServerConnection, request: Request) -> Response | None:
        if identity and request.headers.get(FRONT) != f"Bearer {identity}":
            return connection.respond(http.HTTPStatus.FORBIDDEN, "<html><title>403 Forbidden</title></html>")
        return None if request.path == "/ws" else connection.respond(http.HTTPStatus.OK, "{}")

    async def talk(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(talk, host, 0, ssl=tls, process_request=answer) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def by_httpx(path: NetworkPath) -> int:
    async with HttpClient(path.url, RUN, deadline_s=20.0, path=path) as client:
        return (await client.send("GET", "/")).status


async def by_the_measuring_transport(path: NetworkPath) -> int:
    transport = TimingTransport(path.url, path)
    try:
        async with asyncio.timeout(20.0):
            return (await transport.exchange("GET", "/", {})).status
    finally:
        await transport.aclose()


async def by_websocket(path: NetworkPath) -> int:
    url = path.url.replace("http", "ws", 1) + "/ws"
    opened = await Doorway(url=url, identity=RUN, deadlines=Deadlines(welcome=20.0), dialect=DIALECT, path=path).open(
        None, shake_only=True
    )
    if isinstance(opened, Refused):
        return opened.status
    await opened.aclose()
    return 200


Client = Callable[[NetworkPath], Awaitable[int]]
CLIENTS: list[Client] = [by_httpx, by_the_measuring_transport, by_websocket]
each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)


@each_client
async def test_a_proxy_and_a_private_ca_are_taken_by_every_client(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = make_authority(tmp_path)
    async with door(authority.server_context(tmp_path, NAME)) as port, tunnelling(port, "u:p@ss") as tunnels:
        monkeypatch.setenv("HTTPS_PROXY", tunnels.url.replace("//", "//u:p%40ss@"))
        assert await client(find_path(f"https://{NAME}", ca_file=str(authority.file))) == 200
    assert tunnels.asked == [f"{NAME}:443"]


@each_client
async def test_a_proxy_that_refuses_is_ours_and_named(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = make_authority(tmp_path)
    async with tunnelling(9, "user:password") as tunnels:
        monkeypatch.setenv("HTTPS_PROXY", tunnels.url)
        with pytest.raises(PathBlocked, match=r"proxy.*refuses"):
            await client(find_path(f"https://{NAME}", ca_file=str(authority.file)))


@each_client
async def test_a_host_of_no_proxy_is_reached_directly(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", NAME)
    with pytest.raises(Unreachable):
        await client(find_path(f"https://{NAME}"))


@each_client
async def test_an_authority_that_we_lack_is_ours_and_a_bad_certificate_is_not(client: Client, tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    async with door(authority.server_context(tmp_path, "localhost")) as port:
        with pytest.raises(PathBlocked, match="ca_file"):
            await client(find_path(f"https://localhost:{port}"))
    for context in (
        authority.server_context(tmp_path, "elsewhere.invalid"),
        authority.server_context(tmp_path, "localhost", expired=True),
    ):
        async with door(context) as port:
            with pytest.raises(Unreachable, match="the certificate is not good"):
                await client(find_path(f"https://localhost:{port}", ca_file=str(authority.file)))


@each_client
async def test_an_address_of_ipv6_alone_is_reached(client: Client) -> None:
    async with door(host="::1") as port:
        assert await client(find_path(f"http://[::1]:{port}")) == 200


@each_client
async def test_an_identity_and_headers_in_front_are_carried_by_every_client(client: Client) -> None:
    async def vouch() -> Secret:
        return Secret("an-identity")

    async with door(identity="an-identity") as port:
        assert await client(find_path(f"http://127.0.0.1:{port}")) == 403
        assert await client(find_path(f"http://127.0.0.1:{port}", identity=vouch)) == 200
        header = ((FRONT, "Bearer an-identity"),)
        assert await client(find_path(f"http://127.0.0.1:{port}", headers=header)) == 200


@pytest.mark.parametrize("named", ["socks5://127.0.0.1:1080", "https://127.0.0.1:3128", "http://127.0.0.1:port"])
def test_a_proxy_that_not_every_client_can_use_is_refused(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named)
    with pytest.raises(UnusablePath, match="HTTPS_PROXY"):
        find_path(f"https://{NAME}")
    assert find_path("https://127.0.0.1:8443").proxy is None


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_can_not_be_used_is_named(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UnusablePath, match="NETRA_NETWORK__CA_FILE"):
        find_path(f"https://{NAME}", ca_file=str(file))


def test_no_password_of_a_proxy_is_in_a_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:opensesame@127.0.0.1:3128")
    assert "opensesame" not in repr(find_path(f"https://{NAME}", headers=(("X-Key", Secret("opensesame")),)))


@pytest.mark.parametrize(
    "variables, url, proxy",
    [
        ({"ALL_PROXY": "http://all.invalid"}, "http://x.invalid", "all.invalid:80"),
        ({"ALL_PROXY": "all.invalid:1"}, "wss://x.invalid", "all.invalid:1"),
        ({"ALL_PROXY": "http://a.invalid:1", "HTTPS_PROXY": "http://s.invalid:2"}, "https://x.invalid", "s.invalid:2"),
        ({"ALL_PROXY": "http://a.invalid:1", "HTTPS_PROXY": "http://s.invalid:2"}, "ws://x.invalid", "a.invalid:1"),
        ({"HTTPS_PROXY": "http://s.invalid:2"}, "http://x.invalid", ""),
        ({"HTTPS_PROXY": "http://s.invalid:2", "NO_PROXY": "x.invalid:8443"}, "https://x.invalid:8443", ""),
        ({"HTTPS_PROXY": "http://s.invalid:2", "NO_PROXY": "x.invalid:8443"}, "https://x.invalid", "s.invalid:2"),
        ({"HTTP_PROXY": "http://s.invalid:2"}, "http://localhost:8000", ""),
        ({"HTTP_PROXY": "http://s.invalid:2"}, "http://[::1]:8000", ""),
    ],
)
def test_the_proxy_is_that_of_the_scheme_or_else_the_one_for_all(
    variables: dict[str, str], url: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.setenv(name, variables.get(name, ""))
    found = find_path(url).proxy
    assert (found.authority if found else "") == proxy


@pytest.mark.parametrize(
    "url, authority, host, port",
    [
        ("http://u:p@x.invalid:8080/a", "x.invalid:8080", "x.invalid", 8080),
        ("ws://x.invalid/ws", "x.invalid", "x.invalid", 80),
        ("https://[2001:db8::1]", "[2001:db8::1]", "2001:db8::1", 443),
        ("wss://x.invalid", "x.invalid", "x.invalid", 443),
    ],
)
def test_a_url_names_its_authority_host_and_port(url: str, authority: str, host: str, port: int) -> None:
    path = NetworkPath(url=url, tls=None)
    assert (path.authority, path.host, path.port) == (authority, host, port)


@pytest.mark.parametrize(
    "named", ["http://u:s3cret:x@", "http://h:s3cret", "not a proxy", "http://h:0", "http://", "::"]
)
def test_a_proxy_that_is_no_url_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("https_proxy", named)
    with pytest.raises(UnusablePath, match="HTTPS_PROXY") as caught:
        find_path("https://api.example.invalid")
    assert "s3cret" not in str(caught.value)
