"""A tunnel through a proxy: what is asked for, what opens it, and whose error it is if it stays shut."""

import asyncio
import base64
from contextlib import suppress

import pytest

from probes.errors import PathBlocked
from probes.foreign.limits import PROXY_HEAD_BYTES
from probes.http.connecting import dial, open_streams, refuse_tunnel
from probes.http.network_path import NetworkPath, Proxy, find_path
from probes.secret import Secret
from tests.loopback import LOOPBACK, listening
from tests.system.waiting import HANGS_S
from tests.tunnel import OPENED

PROXY = Proxy(url=Secret("http://proxy.invalid:3128"), host="proxy.invalid", port=3128)
LET_US = "have it let us through, or let NO_PROXY hold the target's host"
SIGN_IN = "it wants a user and a password, as in HTTPS_PROXY=http://user:password@host:port"


class Said:
    """A proxy that answers every head with the same bytes, and remembers the heads."""

    def __init__(self, answer: bytes, *, shuts: bool = True) -> None:
        self.answer, self.shuts = answer, shuts
        self.heads = list[bytes]()
        self.asked, self.gone = asyncio.Event(), asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        self.asked.set()
        writer.write(self.answer)
        await writer.drain()
        if not self.shuts:
            with suppress(ConnectionError):  # a client that left some of the answer unread
                await reader.read(-1)
            self.gone.set()


def through(port: int, url: str, monkeypatch: pytest.MonkeyPatch, credentials: str = "") -> NetworkPath:
    monkeypatch.setenv("HTTP_PROXY", f"http://{credentials}{LOOPBACK}:{port}")
    return find_path(url)


@pytest.mark.parametrize(
    "url, place",
    [
        ("http://service.invalid", b"service.invalid:80"),
        ("http://service.invalid:8080", b"service.invalid:8080"),
        ("http://[2001:db8::1]:8080", b"[2001:db8::1]:8080"),
    ],
)
async def test_the_proxy_is_asked_for_the_host_and_its_port(
    url: str, place: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Said(OPENED, shuts=False)
    async with listening(proxy) as port:
        plain, steps = await dial(through(port, url, monkeypatch), "a request")
        plain.close()
    assert proxy.heads == [b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (place, place)]
    assert steps.tcp_s > 0


async def test_a_user_and_a_password_are_shown_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Said(OPENED)
    async with listening(proxy) as port:
        plain, _ = await dial(through(port, "http://service.invalid", monkeypatch, "user:p%40ss@"), "a request")
        plain.close()
    shown = b"Proxy-Authorization: Basic " + base64.b64encode(b"user:p@ss")
    assert proxy.heads[0].split(b"\r\n") == [
        b"CONNECT service.invalid:80 HTTP/1.1",
        b"Host: service.invalid:80",
        shown,
        b"",
        b"",
    ]


async def test_what_follows_the_proxys_answer_is_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Said(OPENED + b"the service speaks first")
    async with listening(proxy) as port:
        (reader, writer), _ = await open_streams(through(port, "http://service.invalid", monkeypatch))
        assert await reader.read(-1) == b"the service speaks first"
        writer.close()


@pytest.mark.parametrize(
    "answer, shown",
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\nX: cut", b"HTTP/1.1 200 OK"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * PROXY_HEAD_BYTES + b"\r\n\r\n", b"HTTP/1.1 200 OK"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", b"HTTP/1.1 403 Forbidden"),
    ],
)
async def test_a_proxy_without_a_whole_and_good_answer_blocks_our_path(
    answer: bytes, shown: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(Said(answer)) as port:
        with pytest.raises(PathBlocked) as caught:
            await dial(through(port, "http://service.invalid", monkeypatch), "the request")
    assert caught.value.request == "the request"
    assert caught.value.detail == f"proxy {LOOPBACK}:{port} refuses the tunnel ({shown.decode()!r}): {LET_US}"


async def test_a_head_up_to_the_bound_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = PROXY_HEAD_BYTES - len(b"HTTP/1.1 200 OK\r\nX: \r\n\r\n")
    async with listening(Said(b"HTTP/1.1 200 OK\r\nX: " + b"x" * rest + b"\r\n\r\n")) as port:
        plain, _ = await dial(through(port, "http://service.invalid", monkeypatch), "a request")
        plain.close()


async def test_a_proxy_that_resets_or_refuses_the_connection_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)  # the rest stays unread, which makes the end a reset
        writer.transport.abort()

    async with listening(reset) as port:
        path = through(port, "http://service.invalid", monkeypatch)
        with pytest.raises(PathBlocked) as caught:
            await dial(path, "a request")
    assert f"proxy {LOOPBACK}:{port}" in caught.value.detail
    with pytest.raises(PathBlocked) as shut:
        await dial(path, "a request")
    assert shut.value.detail.startswith(f"proxy {LOOPBACK}:{port}: ConnectionRefusedError: ")
    assert shut.value.detail.endswith("; see HTTPS_PROXY and NO_PROXY")


async def test_a_tunnel_that_is_given_up_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Said(b"HTTP/1.1 2", shuts=False)
    async with listening(proxy) as port:
        opening = asyncio.create_task(dial(through(port, "http://service.invalid", monkeypatch), "a request"))
        async with asyncio.timeout(HANGS_S):
            await proxy.asked.wait()
            opening.cancel()
            await proxy.gone.wait()
    assert opening.cancelled()


@pytest.mark.parametrize("first", [b"HTTP/1.0 200 OK", b"HTTP/1.1 299", b"HTTP/1.1 200"])
def test_any_success_opens_the_tunnel(first: bytes) -> None:
    refuse_tunnel(first + b"\r\n\r\n", PROXY, "a request")


@pytest.mark.parametrize(
    "first, shown, advice",
    [
        (b"HTTP/1.1 199 Soon", "HTTP/1.1 199 Soon", LET_US),
        (b"HTTP/1.1 300 Choose", "HTTP/1.1 300 Choose", LET_US),
        (b"HTTP/1.1 407 Sign in", "HTTP/1.1 407 Sign in", SIGN_IN),
        (b"HTTP/2 200 OK", "HTTP/2 200 OK", LET_US),
        (b"HTTP/1.1 2OO OK", "HTTP/1.1 2OO OK", LET_US),
        (b"HTTP/1.1", "HTTP/1.1", LET_US),
        (b"SSH-2.0 200 OK", "SSH-2.0 200 OK", LET_US),
        (b"\xff", "\xff", LET_US),
    ],
)
def test_anything_else_is_a_refusal_with_advice(first: bytes, shown: str, advice: str) -> None:
    with pytest.raises(PathBlocked) as caught:
        refuse_tunnel(first + b"\r\n\r\n", PROXY, "a request")
    assert caught.value.detail == f"proxy proxy.invalid:3128 refuses the tunnel ({shown!r}): {advice}"


def test_of_a_long_refusal_the_beginning_is_shown() -> None:
    with pytest.raises(PathBlocked) as caught:
        refuse_tunnel(b"x" * 79 + b"yz" + b"w" * 100, PROXY, "a request")
    assert "x" * 79 + "y" in caught.value.detail
    assert "yz" not in caught.value.detail
