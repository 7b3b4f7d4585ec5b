"""A session: how it opens or is refused, what is received in which order, and how it ends."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from probes.errors import BadAnswer, TooSlow
from probes.foreign.limits import MIB
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from probes.websocket.handshake import MOST_BEFORE, Refused
from probes.websocket.sessions import Doorway, Session, closed_at_end
from tests.probes.websocket.joining import DIALECT, doorway
from tests.probes.websocket.raw import WELCOME
from tests.probes.websocket.speaking import Said, Speaker, speaking
from tests.system.waiting import HANGS_S

TOKEN = Secret("user-0")
PATIENT = Deadlines(welcome=HANGS_S, message=HANGS_S, close=HANGS_S)
PONG: dict[str, Any] = {"type": DIALECT.pong, "data": {"user_id": "user-0"}}
ACKNOWLEDGED: dict[str, Any] = {"type": DIALECT.acknowledgement}
NAMED = f"{DIALECT.welcome_type} {DIALECT.welcome_event}"
ERROR: dict[str, Any] = {"type": DIALECT.error, DIALECT.error_code_field: "no_such_token"}


def door(url: str, deadlines: Deadlines = PATIENT, **words: Any) -> Doorway:  # noqa: ANN401 - fields of a dialect
    usual = doorway(url)
    return Doorway(
        url=usual.url,
        identity=usual.identity,
        deadlines=deadlines,
        dialect=replace(DIALECT, **words),
    )


@asynccontextmanager
async def session_at(speaker: Speaker, deadlines: Deadlines = PATIENT, **words: Any) -> AsyncIterator[Session]:  # noqa: ANN401 - fields of a dialect
    opened = await door(speaker.url, deadlines, **words).open(TOKEN)
    assert isinstance(opened, Session)
    async with closed_at_end(opened) as session:
        yield session


def header(speaker: Speaker, name: str) -> str | None:
    return speaker.requests[0].headers.get(name)


async def test_a_token_is_shown_as_a_header_or_as_a_subprotocol() -> None:
    for way in ("header", "subprotocol"):
        async with speaking() as speaker:
            opened = await door(speaker.url).open(TOKEN, way=way)
            assert isinstance(opened, Session)
            await opened.aclose()
            offered = f"{DIALECT.subprotocol}, {DIALECT.token_prefix}{base64.urlsafe_b64encode(b'user-0').decode()}"
            shown = (header(speaker, "Authorization"), header(speaker, "Sec-WebSocket-Protocol"))
            assert shown == (("Bearer user-0", None) if way == "header" else (None, offered.rstrip("=")))


async def test_other_headers_and_a_query_may_take_the_tokens_place() -> None:
    async with speaking() as speaker:
        opened = await door(speaker.url).open(TOKEN, headers=[("X-Other", Secret("o"))], query=Secret("?token=t"))
        assert isinstance(opened, Session)
        await opened.aclose()
        nothing = await door(speaker.url).open(None, shake_only=True)
        assert isinstance(nothing, Session)
        await nothing.aclose()
    assert (header(speaker, "Authorization"), header(speaker, "X-Other")) == (None, "o")
    assert speaker.requests[0].path == "/ws?token=t"
    assert "Authorization" not in speaker.requests[1].headers


async def test_what_is_about_to_be_asked_is_noted_with_its_trace() -> None:
    noted = list[tuple[str, str]]()

    def note(trace: str, request: str) -> None:
        noted.append((trace, request))

    async with speaking() as speaker:
        opened = await door(speaker.url).open(TOKEN, note=note, way="subprotocol")
        assert isinstance(opened, Session)
        await opened.aclose()
        joined = await door(speaker.url).join(TOKEN, note=note)
        assert not isinstance(joined, Refused)
        await joined[0].close()
    assert [request for _, request in noted] == [
        f"GET {speaker.url} (WebSocket, token by subprotocol)",
        f"GET {speaker.url} (WebSocket)",
    ]
    assert opened.trace_id == noted[0][0]
    for (trace, _), request in zip(noted, speaker.requests, strict=True):
        assert request.headers["traceparent"].split("-")[1] == trace
    assert opened.request == f"WebSocket {speaker.url}"


async def test_a_first_message_is_sent_before_the_welcome_is_waited_for() -> None:
    async with speaking(welcome=False, answers=[[WELCOME, PONG]]) as speaker:
        opened = await door(speaker.url).open(TOKEN, first={"type": DIALECT.ping})
        assert isinstance(opened, Session)
        async with closed_at_end(opened) as session:
            assert (session.welcome, await session.receive()) == (WELCOME, PONG)
        assert [json.loads(text) for text in speaker.sent] == [{"type": DIALECT.ping}]


async def test_a_door_that_closes_at_once_refuses_in_spite_of_a_first_message() -> None:
    async with speaking((1008, "no"), welcome=False) as speaker:
        opened = await door(speaker.url).open(TOKEN, first={"type": DIALECT.ping})
    assert isinstance(opened, Refused)
    assert opened.status == 1008


async def test_a_watch_gets_messages_that_are_passed_over() -> None:
    heard = list[str]()
    async with speaking(answers=[[PONG, ACKNOWLEDGED], [ERROR]]) as speaker, session_at(speaker) as session:
        session.watch = heard.append
        for text in ("one", "two"):
            await session.send(text)
        await session.receive_of(DIALECT.error)
    assert [json.loads(text) for text in heard] == [PONG, ACKNOWLEDGED, ERROR]


async def test_a_session_has_its_welcome_and_an_age() -> None:
    async with speaking() as speaker, session_at(speaker) as session:
        assert session.welcome == WELCOME
        young = session.age_s
        await asyncio.sleep(0)
        assert 0 <= young < session.age_s < HANGS_S


async def test_the_time_to_the_welcome_includes_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_s, dial = 0.05, Doorway._dial

    async def slowly(*given: Any) -> Any:  # noqa: ANN401 - as it is declared
        await asyncio.sleep(slow_s)
        return await dial(*given)

    monkeypatch.setattr(Doorway, "_dial", slowly)
    async with speaking() as speaker, session_at(speaker) as session:
        assert slow_s <= session.took_s < HANGS_S


async def test_what_may_come_before_the_welcome_is_passed_over_up_to_a_bound() -> None:
    early: dict[str, Any] = {"type": "early"}
    for count, opens in ((MOST_BEFORE - 1, True), (MOST_BEFORE, False)):
        async with speaking(*[early] * count, WELCOME, welcome=False) as speaker:
            it = door(speaker.url, before_welcome=["early"])
            if opens:
                opened = await it.open(TOKEN)
                assert isinstance(opened, Session)
                assert opened.welcome == WELCOME
                await opened.aclose()
            else:
                with pytest.raises(BadAnswer, match=rf": {MOST_BEFORE} messages and no welcome among them$"):
                    await it.open(TOKEN)
                with pytest.raises(BadAnswer, match=rf": {MOST_BEFORE} messages and no welcome among them$"):
                    await it.join(TOKEN)


@pytest.mark.parametrize(
    "first, said",
    [
        ("no JSON", "a message that is not JSON (Expecting value: line 1 column 1 (char 0)): 'no JSON'"),
        ("[1]", "a message that is not an object: '[1]'"),
        (b"\xff", "a message that is not JSON ("),
        (
            {"type": "odd"},
            f"the first message is not a welcome (contract.websocket.dialect: {NAMED}): {{'type': 'odd'}}",
        ),
    ],
)
async def test_what_is_no_welcome_is_shown(first: Said, said: str) -> None:
    async with speaking(first, welcome=False) as speaker:
        with pytest.raises(BadAnswer) as by_open:
            await door(speaker.url).open(TOKEN)
        with pytest.raises(BadAnswer) as by_join:
            await door(speaker.url).join(TOKEN)
    for caught in (by_open, by_join):
        assert caught.value.detail.startswith(said)
        assert caught.value.request.startswith(f"WebSocket {speaker.url}")


async def refused_both_ways(*first: Said) -> list[Refused]:
    async with speaking(*first, welcome=False) as speaker:
        found = [await door(speaker.url).open(TOKEN), await door(speaker.url).join(TOKEN)]
    assert all(isinstance(one, Refused) for one in found)
    return [one for one in found if isinstance(one, Refused)]


async def test_a_close_instead_of_a_welcome_is_a_refusal_with_its_reason() -> None:
    for found in await refused_both_ways((1008, "token expired")):
        assert found == Refused("close", 1008, "token expired")


async def test_an_error_and_a_close_are_one_refusal() -> None:
    for found in await refused_both_ways(ERROR, (4401, "bye")):
        assert found == Refused("close", 4401, "no_such_token", json.dumps(ERROR))


async def test_of_a_long_error_the_beginning_is_shown() -> None:
    long = ERROR | {"why": "x" * 400}
    for found in await refused_both_ways(long, (4401, "bye")):
        assert found.message == json.dumps(long)[:400] + "…"


async def test_a_servers_own_error_is_no_refusal() -> None:
    async with speaking((1011, "crashed"), welcome=False) as speaker:
        with pytest.raises(BadAnswer, match="the session ended: closed with code 1011 'crashed' at age"):
            await door(speaker.url).open(TOKEN)
        with pytest.raises(BadAnswer, match=r"the session ended before its welcome: .*1011.* crashed"):
            await door(speaker.url).join(TOKEN)


async def test_an_error_after_which_nothing_closes_is_too_slow() -> None:
    async with speaking(ERROR, welcome=False) as speaker:
        with pytest.raises(TooSlow, match=r": not closed within 0\.2 s$"):
            await door(speaker.url, replace(PATIENT, close=0.2)).open(TOKEN)


async def test_no_welcome_in_time_is_too_slow() -> None:
    hasty = replace(PATIENT, welcome=0.3)
    async with speaking(welcome=False) as speaker:
        with pytest.raises(TooSlow, match=r": no message within 0\.3 s, at age \d+\.\d s$"):
            await door(speaker.url, hasty).open(TOKEN)
        with pytest.raises(TooSlow, match=r": no welcome within 0\.3 s$"):
            await door(speaker.url, hasty).join(TOKEN)


async def test_messages_come_in_their_order_and_the_end_is_said_to_every_reader() -> None:
    async with speaking({"type": "a"}, {"type": "b"}, (4000, "done")) as speaker, session_at(speaker) as session:
        assert [(await session.receive())["type"] for _ in range(2)] == ["a", "b"]
        closed = await session.wait_closed(HANGS_S)
        assert (closed.code, closed.reason, closed.by_us) == (4000, "done", False)
        for _ in range(2):
            with pytest.raises(BadAnswer, match="the session ended: closed with code 4000 'done' at age"):
                await session.receive()


@pytest.mark.parametrize("size, kept", [(0, 2_000), (MIB, 16)], ids=["messages", "bytes"])
async def test_of_what_no_one_takes_two_thousand_messages_or_16_mib_are_kept(size: int, kept: int) -> None:
    texts = [json.dumps({"n": number}).ljust(size) for number in range(kept + 3)]
    async with speaking(*texts, (4000, "done")) as speaker, session_at(speaker) as session:
        await session.wait_closed(HANGS_S)
        assert [(await session.receive())["n"] for _ in range(kept)] == list(range(kept))
        with pytest.raises(BadAnswer, match="the session ended"):
            await session.receive()


async def test_what_is_taken_makes_room() -> None:
    text = json.dumps({"n": 1}).ljust(MIB)
    async with speaking(answers=[[text]] * 40) as speaker, session_at(speaker) as session:
        for _ in range(40):
            await session.send("more")
            assert await session.receive() == {"n": 1}


async def test_a_message_that_does_not_come_is_too_slow_within_its_own_deadline_or_the_usual_one() -> None:
    async with speaking() as speaker, session_at(speaker, replace(PATIENT, message=0.2)) as session:
        with pytest.raises(TooSlow, match=r": no message within 0\.1 s, at age \d+\.\d s$"):
            await session.receive(0.1)
        with pytest.raises(TooSlow, match=r": no message within 0\.2 s, at age"):
            await session.receive()


async def test_messages_of_other_kinds_are_passed_over_and_named_if_the_one_does_not_come() -> None:
    others: list[Said] = [{"type": f"n{number}"} for number in range(7)]
    async with speaking(*others, {"type": "wanted"}) as speaker, session_at(speaker) as session:
        assert await session.receive_of("another", "wanted") == {"type": "wanted"}
    async with speaking(*others) as speaker, session_at(speaker) as session:
        assert (await session.receive())["type"] == "n0"
        with pytest.raises(
            TooSlow, match=r": no a or b within 1 s, at age \d+\.\d s; came instead: n1, n2, n3, n4, n5$"
        ):
            await session.receive_of("a", "b", deadline_s=1.0)
        with pytest.raises(TooSlow, match=r": no a within 0\.1 s, at age \d+\.\d s$"):
            await session.receive_of("a", deadline_s=0.1)


async def test_a_ping_and_a_heartbeat_are_sent_and_answered() -> None:
    answers = [[{"type": "news"}, PONG], [ACKNOWLEDGED]]
    async with speaking(answers=answers) as speaker, session_at(speaker) as session:
        assert await session.ping(seq=7) == PONG
        assert await session.beat() == ACKNOWLEDGED
        await session.send("text")
        await session.send(iter(["frag", "ments"]))
        await session.send(b"bytes")
        await session.ping_frame()
    assert [json.loads(one) for one in speaker.sent[:2]] == [
        {"type": DIALECT.ping, "seq": 7},
        {"type": DIALECT.heartbeat},
    ]
    assert speaker.sent[2:] == ["text", "fragments", b"bytes"]


async def test_what_comes_unasked_is_no_answer() -> None:
    news: dict[str, Any] = {"type": "news"}
    async with speaking(news, news, PONG) as speaker, session_at(speaker, unasked=["news"]) as session:
        assert await session.receive_answer(HANGS_S) == PONG


async def test_a_session_that_goes_on_is_not_closed() -> None:
    async with speaking() as speaker, session_at(speaker) as session:
        with pytest.raises(TooSlow, match=r": not closed within 0\.1 s$"):
            await session.wait_closed(0.1)
        await session.aclose()
        assert (await session.wait_closed(HANGS_S)).by_us


async def test_a_session_that_was_never_read_is_not_known_to_be_closed() -> None:
    async with speaking() as speaker:
        opened = await door(speaker.url).open(TOKEN)
        assert isinstance(opened, Session)
        unread = replace(opened, _reader=None)
        with pytest.raises(TooSlow, match="not closed within 1 s"):
            await unread.wait_closed(1.0)
        await opened.aclose()
