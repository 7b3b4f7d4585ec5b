"""Servers that are none: a clear outcome within the deadline, no hang, no memory without bound."""

import asyncio

import psutil
import pytest

from probes.errors import BadAnswer, ProbeError, TooSlow
from probes.secret import Secret
from probes.soak.steady import SteadyReport, hold_sessions
from probes.websocket.closes import CloseClass
from probes.websocket.sessions import Session
from tests.probes.websocket.joining import PACE, SHORT, doorway, joiner, named
from tests.probes.websocket.raw import Answer, frame, opens, raw_server, says, wait_for_ever
from tests.stopwatch import Stopwatch
from tests.system.waiting import HANGS_S

HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n<html>Sign in</html>"
ELSEWHERE = b"HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\n\r\n"
HTTP_2 = bytes([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]) + bytes([0, 0, 8, 7, *[0] * 13])  # SETTINGS, GOAWAY
MIB = 1024 * 1024
PUSHED = 1024 * MIB
REFUSED: dict[str, tuple[Answer, type[ProbeError], str]] = {
    "HTML": (says(HTML), BadAnswer, "answered 200: '<html>Sign in</html>'"),
    "a redirect": (says(ELSEWHERE), BadAnswer, "answered 302 (to 'https://login.example/')"),
    "HTTP/2 only": (says(HTTP_2), BadAnswer, "no WebSocket handshake"),
    "no answer": (wait_for_ever, TooSlow, "no handshake within 2 s"),
    "no welcome": (opens(wait_for_ever, welcome=False), TooSlow, "no welcome within 2 s"),
    "an end before the welcome": (opens(says(b""), welcome=False), BadAnswer, "before its welcome"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_no_session_is_said_within_the_deadline(what: str) -> None:
    answer, kind, said = REFUSED[what]
    async with raw_server(answer) as url:
        watch = Stopwatch()
        with pytest.raises(kind) as caught:
            await doorway(url).join(Secret("user-0"))
        assert watch.seconds < SHORT.welcome + SHORT.close + 1
        with pytest.raises(kind):
            await doorway(url).open(Secret("user-0"))
    assert said in caught.value.detail


async def pushes(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
    """Push a gibibyte of messages, as fast as they are taken."""
    one = frame(b'"' + b"x" * (512 * 1024) + b'"')
    for _ in range(PUSHED // len(one)):
        writer.write(one)
        await writer.drain()
    await wait_for_ever(_reader, writer, _head)


async def pushes_one(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: bytes) -> None:
    """Announce one message of a gibibyte, and begin to send it."""
    writer.write(frame(b"x" * MIB, announced=PUSHED))
    await wait_for_ever(_reader, writer, _head)


async def held(url: str, seconds: float) -> SteadyReport:
    return await hold_sessions(joiner(url), named, count=1, seconds=seconds, jitter_s=0.0, pace=PACE)


def grown_mib(before: int) -> float:
    return (psutil.Process().memory_info().rss - before) / MIB


async def test_a_gibibyte_of_messages_is_read_and_let_go() -> None:
    before = psutil.Process().memory_info().rss
    async with raw_server(opens(pushes)) as url:
        async with asyncio.timeout(HANGS_S):
            report = await held(url, 8.0)
    assert grown_mib(before) < 96
    assert report.of_kind("no message")
    assert report.lives[0].close in {CloseClass.PING_TIMEOUT, CloseClass.OURS}


async def test_a_gibibyte_that_nobody_asks_for_does_not_fill_an_inbox() -> None:
    before = psutil.Process().memory_info().rss
    async with raw_server(opens(pushes)) as url:
        session = await doorway(url).open(Secret("user-0"))
        assert isinstance(session, Session)
        await asyncio.sleep(3)
        watch = Stopwatch()
        await session.aclose()
        assert watch.seconds < 3 * SHORT.close + 1
    assert grown_mib(before) < 96


async def test_one_message_of_a_gibibyte_is_refused_at_its_head() -> None:
    before = psutil.Process().memory_info().rss
    async with raw_server(opens(pushes_one)) as url:
        report = await held(url, 4.0)
    assert report.exposure.closes == {CloseClass.PROTOCOL_ERROR: 1}
    assert "1009" in report.lives[0].detail
    assert grown_mib(before) < 64


async def test_a_server_that_never_answers_the_goodbye_is_left() -> None:
    async with raw_server(opens(wait_for_ever)) as url:
        session = await doorway(url).open(Secret("user-0"))
        assert isinstance(session, Session)
        watch = Stopwatch()
        await session.aclose()
        assert watch.seconds < 3 * SHORT.close + 0.5
    assert session.closed is not None
    assert session.closed.by_us
