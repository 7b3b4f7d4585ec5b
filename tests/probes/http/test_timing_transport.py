"""The measuring transport: its steps told apart, its errors told apart, and nothing that hides a revision."""

import asyncio
from pathlib import Path

import pytest

from probes.errors import BadAnswer, PathBlocked, Unreachable
from probes.foreign.limits import TIMED_BYTES
from probes.http.network_path import find_path
from probes.http.timing_transport import TimingTransport
from tests.serving import Reply, self_signed, serving


async def test_a_new_connection_is_told_in_steps_and_a_reused_one_has_none() -> None:
    async with serving(lambda _: Reply(delay_s=0.03)) as server:
        transport = TimingTransport(server.url)
        first = await transport.exchange("GET", "/", {})
        second = await transport.exchange("GET", "/", {})
        await transport.aclose()
    assert first.opened is not None
    assert first.opened.tls_s is None
    assert 0 < first.opened.whole_s < first.sent - first.begun + 0.001
    assert second.opened is None
    for one in (first, second):
        assert one.begun <= one.sent < one.first_byte <= one.done
        assert one.first_byte - one.sent >= 0.03


async def test_tls_is_a_step_of_its_own(tmp_path: Path) -> None:
    context, certificate = self_signed(tmp_path)
    async with serving(lambda _: Reply(), context) as server:
        transport = TimingTransport(server.url, find_path(server.url, ca_file=str(certificate)))
        got = await transport.exchange("GET", "/", {})
        await transport.aclose()
    assert got.opened is not None
    assert got.opened.tls_s
    assert got.opened.whole_s == got.opened.name_s + got.opened.tcp_s + got.opened.tls_s


async def test_a_certificate_that_nobody_vouches_for_is_said_to_be_that(tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path)
    async with serving(lambda _: Reply(), context) as server:
        with pytest.raises(PathBlocked, match=r"TLS: we don.t trust the certificate: self-signed .*ca_file"):
            await TimingTransport(server.url).exchange("GET", "/", {})


async def test_plain_http_where_tls_is_expected_is_said_to_be_no_tls() -> None:
    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable, match="TLS: "):
            await TimingTransport(f"https://127.0.0.1:{port}").exchange("GET", "/", {})


async def test_a_port_where_nobody_listens_is_refused() -> None:
    with pytest.raises(Unreachable, match="ConnectionRefusedError"):
        await TimingTransport("http://127.0.0.1:9").exchange("GET", "/", {})


async def test_a_name_that_nobody_has_is_said_to_be_that() -> None:
    with pytest.raises(Unreachable, match="no such name"):
        await TimingTransport("http://nobody.invalid").exchange("GET", "/", {})


async def test_what_is_no_http_is_a_bad_answer() -> None:
    async with serving(lambda _: Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n\r\n")) as server:
        with pytest.raises(BadAnswer, match=r"not an HTTP/1.1 answer"):
            await TimingTransport(server.url).exchange("GET", "/", {})


async def test_cookies_are_not_kept_and_redirects_not_followed() -> None:
    reply = Reply(status=302, headers={"Location": "/elsewhere", "Set-Cookie": "affinity=00093; Path=/"})
    async with serving(lambda _: reply) as server:
        transport = TimingTransport(server.url)
        got = [await transport.exchange("GET", "/", {}) for _ in range(2)]
        await transport.aclose()
    assert [one.status for one in got] == [302, 302]
    assert len(server.heard) == 2
    assert not any(b"cookie" in head.lower() or b"/elsewhere" in head for head in server.heard)


async def test_an_idle_connection_that_the_server_closed_is_replaced_once() -> None:
    async with serving(lambda _: Reply(close=True)) as server:
        transport = TimingTransport(server.url)
        got = [await transport.exchange("GET", "/", {}) for _ in range(3)]
        await transport.aclose()
    assert [one.status for one in got] == [200] * 3
    assert all(one.opened for one in got)
    assert len(server.heard) == 3


async def test_connection_close_is_legal_and_ends_the_connection_alone() -> None:
    async with serving(lambda _: Reply(headers={"Connection": "close"}, close=True)) as server:
        transport = TimingTransport(server.url)
        got = [await transport.exchange("GET", "/", {}) for _ in range(3)]
        await transport.aclose()
    assert [one.status for one in got] == [200] * 3
    assert all(one.opened for one in got)


async def test_bytes_after_an_answer_are_not_the_next_answer() -> None:
    first = Reply().written()
    async with serving(lambda _: Reply(raw=first + b"HTTP/1.1 500 Stray\r\n\r\n")) as server:
        transport = TimingTransport(server.url)
        got = [await transport.exchange("GET", "/", {}) for _ in range(3)]
        await transport.aclose()
    assert [one.status for one in got] == [200] * 3


async def test_a_body_that_is_no_short_answer_is_a_bad_one() -> None:
    async with serving(lambda _: Reply(body=b" " * (TIMED_BYTES + 1))) as server:
        with pytest.raises(BadAnswer, match="a short answer is promised"):
            await TimingTransport(server.url).exchange("GET", "/", {})
