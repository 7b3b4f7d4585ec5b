"""A handshake: what each answer to it comes to, which errors are whose, and what is never left open."""

import asyncio
import json
import socket
import struct
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection

from probes.errors import BadAnswer, PathBlocked, RateLimited, TooSlow, Unreachable
from probes.foreign.limits import MESSAGE_BYTES
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from probes.websocket.handshake import Credential, Endpoint, Refused, dial, parse
from tests.loopback import LOOPBACK, listening
from tests.probes.websocket.joining import DIALECT, doorway
from tests.probes.websocket.raw import raw_server, says
from tests.probes.websocket.speaking import speaking
from tests.serving import self_signed
from tests.system.waiting import HANGS_S

PATIENT = Deadlines(welcome=HANGS_S, message=HANGS_S, close=HANGS_S)
TRACE = "a" * 32


def endpoint(url: str, deadlines: Deadlines = PATIENT) -> Endpoint:
    return Endpoint(url=url, identity=doorway(url).identity, deadlines=deadlines, dialect=DIALECT)


async def dialled(url: str, deadlines: Deadlines = PATIENT) -> ClientConnection | Refused:
    return await dial(endpoint(url, deadlines), Credential(Secret("t")), TRACE)


def answer(status: int, body: bytes = b"", *lines: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *lines))
    return f"{head}\r\n".encode() + body


@pytest.mark.parametrize("status", [400, 401, 403, 428, 430, 499])
async def test_a_status_of_the_clients_fault_is_a_refusal_with_its_body(status: int) -> None:
    async with raw_server(says(answer(status, b'{"error": "no"}'))) as url:
        assert await dialled(url) == Refused("handshake", status, '{"error": "no"}')


async def test_a_refusal_in_http_1_0_is_one_too() -> None:
    async with raw_server(says(b"HTTP/1.0 431 Too Large\r\nContent-Length: 2\r\n\r\nno")) as url:
        assert await dialled(url) == Refused("handshake", 431, "")
    async with raw_server(says(b"HTTP/1.0 101 Switching Protocols\r\n\r\n")) as url:
        with pytest.raises(BadAnswer, match="the handshake was answered 101"):
            await dialled(url)


@pytest.mark.parametrize("wait, wait_s", [("7", 7.0), ("9" * 20, 1e20), ("NaN", None), ("Fri, 01 Jan 9999999", None)])
async def test_a_limiter_at_the_handshake_refuses_no_token(wait: str, wait_s: float | None) -> None:
    async with raw_server(says(answer(429, b"slow down", f"Retry-After: {wait}"))) as url:
        with pytest.raises(RateLimited) as caught:
            await dialled(url)
    assert caught.value.detail == f"the handshake was answered 429, Retry-After {wait}: 'slow down'"
    assert caught.value.wait_s == wait_s


@pytest.mark.parametrize("status", [200, 204, 399, 500, 503])
async def test_any_other_status_is_a_bad_answer(status: int) -> None:
    body = b"" if status == 204 else b"why"
    async with raw_server(says(answer(status, body))) as url:
        with pytest.raises(BadAnswer) as caught:
            await dialled(url)
    assert str(caught.value) == f"WebSocket {url}: the handshake was answered {status}: {body.decode()!r}"


async def test_a_redirect_is_named_and_not_followed() -> None:
    async with speaking() as elsewhere:
        moved = answer(302, b"", f"Location: {elsewhere.url}", "Location: http://x/")
        async with raw_server(says(moved)) as url:
            with pytest.raises(BadAnswer) as caught:
                await dialled(url)
    assert caught.value.detail == f"the handshake was answered 302 (to {elsewhere.url!r}): ''"
    assert not elsewhere.requests


async def test_no_handshake_in_time_is_too_slow() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with listening(silent) as port:
        with pytest.raises(TooSlow, match=rf"^WebSocket ws://{LOOPBACK}:{port}: no handshake within 0\.2 s$"):
            await dialled(f"ws://{LOOPBACK}:{port}", Deadlines(welcome=0.2))


@pytest.mark.parametrize(
    "said, detail",
    [
        (
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
            "no WebSocket handshake: InvalidMessage: did not receive a valid HTTP response",
        ),
        (b"", "no WebSocket handshake: InvalidMessage: did not receive a valid HTTP response"),
        (
            b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "no WebSocket handshake: InvalidHeader: missing Sec-WebSocket-Accept header",
        ),
    ],
)
async def test_what_is_no_handshake_is_named(said: bytes, detail: str) -> None:
    async with raw_server(says(said)) as url:
        with pytest.raises(BadAnswer) as caught:
            await dialled(url)
    assert caught.value.request == f"WebSocket {url}"
    assert caught.value.detail == detail


async def test_a_door_that_is_shut_is_unreachable_and_one_without_a_trusted_certificate_is_ours(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"^WebSocket ws://127\.0\.0\.1:9: ConnectionRefusedError: "):
        await dialled(f"ws://{LOOPBACK}:9")
    context, _ = self_signed(tmp_path)

    async def greet(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with listening(greet, tls=context) as port:
        with pytest.raises(PathBlocked, match=rf"^WebSocket wss://{LOOPBACK}:{port}: TLS: we don.t trust the certific"):
            await dialled(f"wss://{LOOPBACK}:{port}")


async def test_a_reset_instead_of_an_answer_is_no_handshake() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with listening(reset) as port:
        with pytest.raises((BadAnswer, Unreachable)) as caught:
            await dialled(f"ws://{LOOPBACK}:{port}")
    assert caught.value.request == f"WebSocket ws://{LOOPBACK}:{port}"


async def test_a_handshake_that_is_given_up_closes_its_connection() -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read(-1)
        ended.set()

    async with listening(silent) as port:
        dialling = asyncio.create_task(dialled(f"ws://{LOOPBACK}:{port}"))
        await asked.wait()
        dialling.cancel()
        async with asyncio.timeout(HANGS_S):
            await ended.wait()
    assert dialling.cancelled()


async def test_a_session_has_no_compression_and_our_own_limits() -> None:
    async with speaking() as speaker:
        opened = await dialled(speaker.url, Deadlines(welcome=HANGS_S, message=7.0, close=3.0))
        assert isinstance(opened, ClientConnection)
        assert (opened.ping_interval, opened.ping_timeout, opened.close_timeout) == (None, 7.0, 3.0)
        assert opened.protocol.extensions == []
        await opened.close()
    assert "Sec-WebSocket-Extensions" not in speaker.requests[0].headers
    assert speaker.requests[0].headers.get_all("User-Agent") == [doorway("").identity.user_agent]


@pytest.mark.parametrize("extra, fits", [(0, True), (1, False)])
async def test_a_message_may_be_as_long_as_the_bound(extra: int, *, fits: bool) -> None:
    text = json.dumps({"type": "x"}).ljust(MESSAGE_BYTES + extra)
    async with speaking(text) as speaker:
        joined = await doorway(speaker.url).join(Secret("user-0"))
        assert not isinstance(joined, Refused)
        connection, _ = joined
        if fits:
            assert await connection.recv() == text
        else:
            await connection.wait_closed()
            assert connection.protocol.close_sent is not None
            assert connection.protocol.close_sent.code == 1009
        await connection.close()


def test_a_lone_surrogate_is_a_message_that_is_not_json() -> None:
    with pytest.raises(BadAnswer, match=r"^x: a message that is not JSON \('utf-8' codec"):
        parse('{"a": "\ud83d"}', "x")
    assert parse(b'{"a": 1}', "x") == parse('{"a": 1}', "x") == {"a": 1}
