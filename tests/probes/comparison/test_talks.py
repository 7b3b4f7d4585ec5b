"""Talking to two revisions: what a session comes to as one value, and how often each of them is asked."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from probes.comparison.talks import MOST_MESSAGES, Doorways, Talk, talk
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from probes.websocket.sessions import Doorway
from tests.probes.websocket.joining import DIALECT, doorway
from tests.probes.websocket.raw import WELCOME, raw_server, says
from tests.probes.websocket.speaking import Said, speaking
from tests.system.waiting import HANGS_S

PATIENT = Deadlines(welcome=HANGS_S, message=HANGS_S, close=HANGS_S)
TALK = Talk(name="t", token=Secret("user-0"))
PONG: dict[str, Any] = {"type": DIALECT.pong}
OPEN = {"status": "open", "subprotocol": "", "welcome": WELCOME}


def door(url: str, deadlines: Deadlines = PATIENT) -> Doorway:
    dialect = replace(DIALECT, unasked=["news"])
    return Doorway(url=url, identity=doorway(url).identity, deadlines=deadlines, dialect=dialect)


async def came_of(said: Talk, *answers: list[Said], deadlines: Deadlines = PATIENT) -> Any:  # noqa: ANN401 - a JSON value
    async with speaking(answers=answers) as speaker:
        return await talk(door(speaker.url, deadlines), said)


async def test_what_follows_a_message_ends_with_the_pong_of_a_ping_after_it() -> None:
    answers: list[list[Said]] = [[{"type": "a"}, {"type": "news"}], [{"type": "b"}, PONG], [], [PONG]]
    async with speaking(answers=answers) as speaker:
        came = await talk(door(speaker.url), replace(TALK, says=({"type": "hello"}, "text")))
    ping = {"type": DIALECT.ping}
    assert [json.loads(one) for one in (speaker.sent[0], speaker.sent[1], speaker.sent[3])] == [
        {"type": "hello"},
        ping,
        ping,
    ]
    assert speaker.sent[2] == "text"
    assert came == {**OPEN, "after message 1": [{"type": "a"}, {"type": "b"}, PONG], "after message 2": [PONG]}


async def test_a_talk_may_wait_for_a_message_of_a_type_instead() -> None:
    answers: list[list[Said]] = [[PONG, {"type": "done"}, {"type": "more"}]]
    async with speaking(answers=answers) as speaker:
        came = await talk(door(speaker.url), replace(TALK, says=("hello",), until="done"))
    assert came["after message 1"] == [PONG, {"type": "done"}]
    assert speaker.sent == ["hello"]


async def test_a_close_ends_the_talk_and_is_part_of_it() -> None:
    closing: list[Said] = [{"type": "a"}, (4000, "bye")]
    came = await came_of(replace(TALK, says=("one", "two")), closing)
    assert came == {**OPEN, "after message 1": [{"type": "a"}, {"ended": "closed with 4000"}]}


async def test_an_answer_that_does_not_come_is_part_of_the_talk() -> None:
    came = await came_of(replace(TALK, says=("one",)), [{"type": "a"}], deadlines=replace(PATIENT, message=0.3))
    assert came["after message 1"] == [{"type": "a"}, {"ended": "TooSlow"}]


async def test_no_more_messages_are_taken_than_a_bound() -> None:
    flood: list[Said] = [{"type": f"n{number}"} for number in range(MOST_MESSAGES + 5)]
    came = await came_of(replace(TALK, says=("one",)), flood)
    assert came["after message 1"] == flood[:MOST_MESSAGES]


async def test_the_token_may_be_a_subprotocol_or_give_way_to_headers() -> None:
    async with speaking() as speaker:
        chosen = await talk(door(speaker.url), replace(TALK, way="subprotocol"))
        other = await talk(door(speaker.url), replace(TALK, headers=(("X-Other", Secret("o")),)))
    assert (chosen["subprotocol"], other["subprotocol"]) == (DIALECT.subprotocol, "")
    assert speaker.requests[1].headers["X-Other"] == "o"
    assert "Authorization" not in speaker.requests[1].headers


@pytest.mark.parametrize(
    "body, read",
    [(b'{"error": "no"}', {"error": "no"}), (b"no", "no"), (b"", "")],
)
async def test_a_refused_handshake_is_its_status_and_body(body: bytes, read: object) -> None:
    answer = b"HTTP/1.1 401 X\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    async with raw_server(says(answer)) as url:
        assert await talk(door(url), TALK) == {"status": "refused by handshake with 401", "body": read}


async def test_a_refusal_after_the_handshake_is_its_close_and_message() -> None:
    error: dict[str, Any] = {"type": DIALECT.error, DIALECT.error_code_field: "no"}
    async with speaking(error, (4401, "bye"), welcome=False) as speaker:
        assert await talk(door(speaker.url), TALK) == {"status": "refused by close with 4401", "body": error}
    async with speaking((4401, "bye"), welcome=False) as speaker:
        assert await talk(door(speaker.url), TALK) == {"status": "refused by close with 4401", "body": "bye"}


async def test_a_door_that_can_not_be_opened_is_named_by_its_error() -> None:
    assert await talk(door("ws://127.0.0.1:9"), TALK) == {"status": "Unreachable"}
    async with raw_server(says(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")) as url:
        assert await talk(door(url), TALK) == {"status": "BadAnswer"}
    async with speaking(welcome=False) as speaker:
        assert await talk(door(speaker.url, replace(PATIENT, welcome=0.2)), TALK) == {"status": "TooSlow"}


@pytest.mark.parametrize("most", [1, 3])
async def test_a_revision_that_differs_is_asked_in_every_round_and_the_serving_one_twice(most: int) -> None:
    async with speaking() as serving, speaking({"type": "x"}, (4000, "x"), welcome=False) as candidate:
        both = Doorways(door(serving.url), door(candidate.url))
        found = await both.rounds(TALK, most, random.Random(1), {})  # noqa: S311 - seeded
    assert (len(serving.requests), len(candidate.requests)) == (2 * len(found), len(found))
    assert len(found) == most
    assert all(one.primary == one.secondary == OPEN for one in found)
    assert all(one.candidate == {"status": "BadAnswer"} for one in found)


async def test_revisions_that_talk_alike_are_asked_once() -> None:
    async with speaking() as serving, speaking() as candidate:
        both = Doorways(door(serving.url), door(candidate.url))
        (found,) = await both.rounds(TALK, 5, random.Random(1), {})  # noqa: S311 - seeded
    assert found.primary == found.secondary == found.candidate == OPEN
