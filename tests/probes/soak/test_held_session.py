"""One user's session, step by step: what it says to its ear of welcomes, pongs, ends and refusals."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from websockets.asyncio.client import ClientConnection

from probes.errors import BadAnswer, ClientUnfit, RateLimited, Unreachable
from probes.soak.exposure import Life
from probes.soak.held_session import Lifeline, Pace
from probes.websocket.closes import CloseClass, Closed
from probes.websocket.dialect import Message
from probes.websocket.handshake import Refused
from tests.probes.websocket.joining import DIALECT
from tests.system.waiting import HANGS_S

PACE = Pace(ping_every_s=600.0, answer_s=5.0, reconnect_s=5.0, dialect=DIALECT)
USER, SESSION, SEQUENCE = DIALECT.user_field, DIALECT.session_field, DIALECT.sequence_field


@dataclass
class Heard:
    """An ear that remembers."""

    said: list[tuple[Any, ...]] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def opened(self, line: int, number: int, silent_s: float) -> float:
        self.said.append(("opened", line, number, silent_s))
        return 1_000.0 + number

    def ended(self, life: Life) -> None:
        self.lives.append(life)

    def back(self, line: int, took_s: float, attempts: int) -> None:
        assert took_s >= 0
        self.said.append(("back", line, attempts))

    def breach(self, line: int, kind: str, detail: str) -> None:
        self.said.append((kind, line, detail))

    def unfit(self, reason: str) -> None:
        self.said.append(("unfit", reason))

    def rtt(self, milliseconds: float) -> None:
        self.milliseconds.append(milliseconds)
        self.said.append(("rtt",))


class Wire:
    """A connection that goes nowhere."""

    def __init__(self) -> None:
        self.request = None
        self.closed, self.aborted = 0, 0
        self.transport = self

    async def close(self) -> None:
        self.closed += 1

    def abort(self) -> None:
        self.aborted += 1


async def never(_user: str, _keepalive: float | None) -> tuple[ClientConnection, Message] | Refused:
    raise AssertionError("it does not join in this test")


@asynccontextmanager
async def line(
    pace: Pace = PACE, *, silence_s: float = 0.0, welcome: dict[str, Any] | None = None
) -> AsyncIterator[tuple[Lifeline, Heard]]:
    """A lifeline that was just welcomed, with this data besides its user."""
    heard = Heard()
    it = Lifeline(line=3, user="u", join=never, pace=pace, ear=heard, silence_s=silence_s)
    it._began = asyncio.get_running_loop().time()
    begin(it, **(welcome or {}))
    yield it, heard
    if it._timer:
        it._timer.cancel()


def begin(it: Lifeline, **welcome: Any) -> Wire:  # noqa: ANN401 - data of a welcome
    wire = Wire()
    it._begin(cast("ClientConnection", wire), {"type": "welcome", "data": {USER: "u", **welcome}})
    return wire


def pong(it: Lifeline, **data: Any) -> None:  # noqa: ANN401 - data of a pong
    it._take(json.dumps({"type": DIALECT.pong, "data": data}))


async def test_a_welcome_that_fits_breaches_nothing_and_a_wrong_user_does() -> None:
    async with line() as (it, heard):
        assert heard.said == [("opened", 3, 1, 0.0)]
        begin(it, **{USER: "other"})
        assert ("wrong user", 3, "welcomed as 'other'") in heard.said
        assert it.number == 2


async def test_a_session_that_came_back_must_be_the_same() -> None:
    async with line(welcome={SESSION: "s1"}) as (it, heard):
        begin(it, **{SESSION: "s1"})
        assert [one[0] for one in heard.said] == ["opened", "opened"]
        begin(it, **{SESSION: "s2"})
        (lost,) = [one for one in heard.said if one[0] == "state lost"]
        assert lost[2] == f"connection 3 finds another session: {{'{SESSION}': ('s1', 's2')}}"


@pytest.mark.parametrize(
    "last, said",
    [
        (4, "message lost"),
        (5, ""),
        (7, ""),
        (8, "message doubled"),
        ("8", ""),
    ],
)
async def test_the_last_number_is_between_what_was_answered_and_what_was_sent(last: object, said: str) -> None:
    async with line(welcome={SEQUENCE: 99}) as (it, heard):
        assert len(heard.said) == 1, "a first connection has nothing to remember"
        it.acked, it.sent = 5, 7
        begin(it, **{SEQUENCE: last})
        found = [one for one in heard.said if one[0] != "opened"]
        expected = (said, 3, f"connection 2 finds last_seq {last}; 5 was answered, 7 sent")
        assert found == ([expected] if said else [])


async def test_a_pong_that_is_due_is_a_round_trip_and_one_more_is_doubled() -> None:
    async with line() as (it, heard):
        it.sent, it._asked = 4, 1e-9
        pong(it)
        pong(it)
        assert (it.acked, it._asked) == (4, 0.0)
        assert heard.said[1:] == [("rtt",), ("message doubled", 3, "a pong after ping 4 was answered")]


async def test_a_pong_repeats_what_was_sent_where_the_contract_says_so() -> None:
    async with line(replace(PACE, echo_field="seq")) as (it, heard):
        for echoed in (4, 3):
            it.sent, it._asked = 4, 1e-9
            pong(it, seq=echoed)
        assert heard.said[1:] == [("rtt",), ("message lost", 3, "a pong of 3, 4 was due"), ("rtt",)]


@pytest.mark.parametrize("raw", ["no JSON", "[]", '{"type": 5}', '{"type": "x", "data": [1]}', b"\xff"])
async def test_what_is_no_message_is_said_with_its_beginning(raw: str | bytes) -> None:
    async with line() as (it, heard):
        it._take(raw)
        (kind, _, said) = heard.said[1]
        assert kind == "no message"
        assert said.startswith("received ")


async def test_another_users_message_is_named_and_other_kinds_are_let_through() -> None:
    async with line() as (it, heard):
        it._take(json.dumps({"type": "news", "data": {USER: "other"}}))
        it._take(json.dumps({"type": "news", "data": {USER: "u"}}))
        it._take(json.dumps({"type": "news"}))
        assert heard.said[1:] == [("another's message", 3, "received one of 'other'")]


async def test_leaving_waits_for_an_outstanding_answer() -> None:
    async with line() as (it, _heard):
        wire = cast("Wire", it.connection)
        it.sent, it._asked = 1, 1e-9
        await it.leave()
        assert (it.leaving, wire.closed) == (True, 0)
        pong(it)
        assert it._farewell is not None
        await it._farewell
        assert wire.closed == 1
    async with line() as (it, _heard):
        wire = cast("Wire", it.connection)
        await it.leave()
        assert wire.closed == 1
        it._ask()
        assert it.sent == 0, "who leaves asks nothing more"


async def test_an_answer_that_does_not_come_gives_the_connection_up() -> None:
    async with line(silence_s=30.0) as (it, heard):
        wire = cast("Wire", it.connection)
        it._overdue()
        assert wire.aborted == 1
        it._end(Closed(code=None, reason="", age_s=61.25, by_us=False))
        (life,) = heard.lives
        assert (life.close, life.silent_s) == (CloseClass.PING_TIMEOUT, 30.0)
        assert life.detail == "no answer within 5 s at age 61.2 s"
        assert (it.connection, it._timer) == (None, None)


async def test_a_life_is_told_with_its_ages_and_whether_it_outlived_its_token() -> None:
    async with line(replace(PACE, token_s=60.0)) as (it, heard):
        it._trace = "abc"
        it._end(Closed(code=1011, reason="", age_s=60.0, by_us=False))
        it._end(Closed(code=None, reason="", age_s=60.5, by_us=True))
        early, ours = heard.lives
        assert (early.line, early.number, early.opened_at, early.age_s) == (3, 1, 1001.0, 60.0)
        assert (early.close, early.trace, early.outlived_token) == (CloseClass.SERVER_ERROR, "abc", False)
        assert (ours.close, ours.trace, ours.outlived_token, ours.silent_s) == (CloseClass.OURS, "", True, 0.0)
    async with line(silence_s=30.0) as (it, heard):
        it._end(Closed(code=None, reason="", age_s=1.0, by_us=True))
        assert 0 <= heard.lives[0].silent_s < 30, "since it last spoke"


@pytest.mark.parametrize(
    "error, first, again",
    [
        (ClientUnfit("x", "out of descriptors"), ("unfit", "out of descriptors"), ("unfit", "out of descriptors")),
        (RateLimited("x", "answered 429"), ("unfit", "answered 429"), ("unfit", "answered 429")),
        (BadAnswer("GET /ws", "odd"), ("never opened", 3, "GET /ws: odd"), ("not back", 3, "not back within 5 s: odd")),
    ],
)
async def test_an_error_while_joining_is_ours_or_a_breach(
    error: Exception, first: tuple[object, ...], again: tuple[object, ...]
) -> None:
    async def fail(_user: str, _keepalive: float | None) -> tuple[ClientConnection, Message] | Refused:
        raise error

    async with line() as (it, heard):
        it.join = fail
        assert await it._first() is None
        assert await it._again() is None
        assert heard.said[1:] == [first, again]


async def test_a_refused_connection_is_tried_again_and_each_try_is_counted() -> None:
    keepalives = list[float | None]()

    async def third(_user: str, keepalive: float | None) -> tuple[ClientConnection, Message] | Refused:
        keepalives.append(keepalive)
        if len(keepalives) < 3:
            raise Unreachable("GET /ws", "refused")
        return cast("ClientConnection", Wire()), {"type": "welcome", "data": {USER: "u"}}

    async with line(replace(PACE, reconnect_s=60.0, keepalive_s=20.0)) as (it, heard):
        it.join = third
        assert await it._again() is not None
        assert heard.said[1:] == [("back", 3, 3), ("opened", 3, 2, 0.0)]
        assert keepalives == [20.0] * 3
        it.silence_s = 9.0
        assert it._keepalive() is None, "a silent session sends no protocol pings either"


async def test_a_session_that_is_not_back_in_time_says_within_what() -> None:
    async def refuse(_user: str, _keepalive: float | None) -> tuple[ClientConnection, Message] | Refused:
        raise Unreachable("GET /ws", "refused")

    async with line(replace(PACE, reconnect_s=0.05)) as (it, heard):
        it.join = refuse
        assert await it._again() is None
        said = "not back within 0.05 s: connections are refused, or no welcome came"
        assert heard.said[1:] == [("not back", 3, said)]


async def test_a_round_trip_is_counted_in_milliseconds() -> None:
    async with line() as (it, heard):
        it.sent, it._asked = 1, time.perf_counter() - 2.0
        pong(it)
    (milliseconds,) = heard.milliseconds
    assert 2_000 <= milliseconds < 2_000 + 1e3 * HANGS_S


@pytest.mark.parametrize("raw", ["x" * 121, json.dumps({"type": 5, "text": "x" * 121})])
async def test_of_a_long_text_that_is_no_message_the_beginning_is_quoted(raw: str) -> None:
    async with line() as (it, heard):
        it._take(raw)
        assert heard.said[1:] == [("no message", 3, f"received {raw[:120] + '…'!r}")]
