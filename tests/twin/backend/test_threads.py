"""The healthy twin's threads through the API: stored, read, changed, archived; and what it refuses to store."""

import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError

from tests.system.running import ReusedTwin
from tests.twin.people import Person, heard

FRONTEND, STRANGER = "https://app.staging.netrasystems.ai", "https://evil.example"


@pytest.fixture(scope="module")
def twin(reused_twin: ReusedTwin) -> dict[str, Any]:
    return reused_twin.addresses


@pytest.fixture
def person(twin: dict[str, Any]) -> Person:
    return Person(twin)


def created(person: Person, **body: object) -> dict[str, Any]:
    answer = person.ask("POST", "/api/threads", json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_what_was_created_is_stored_and_listed(person: Person) -> None:
    made = created(person, title='& < " 😀', metadata={"topic": "a"}, unknown=1)
    assert made["title"] == '& < " 😀'
    assert made["metadata"] == {"topic": "a"}
    assert person.listed() == [made]
    assert person.ask("GET", f"/api/threads/{made['id']}").json() == made


def test_a_change_keeps_the_owner_and_what_was_not_named(person: Person) -> None:
    made = created(person, title="before", metadata={"topic": "a", "user_id": "somebody"})
    changed = person.ask("PUT", f"/api/threads/{made['id']}", json={"metadata": {"user_id": "x", "more": 1}}).json()
    assert changed["title"] == "before"
    assert changed["metadata"] == {"topic": "a", "more": 1, "user_id": person.sub}
    assert person.ask("PUT", f"/api/threads/{made['id']}", json={"title": "after"}).json()["title"] == "after"
    assert [one["title"] for one in person.listed()] == ["after"]


def test_what_is_archived_is_gone_everywhere(person: Person) -> None:
    path = f"/api/threads/{created(person)['id']}"
    assert person.ask("DELETE", path).json() == {"message": "Thread archived successfully"}
    assert person.listed() == []
    assert {person.ask(method, path, json={}).status_code for method in ("GET", "PUT", "DELETE")} == {404}


def test_somebody_elses_is_403_and_nobodys_is_404(twin: dict[str, Any], person: Person) -> None:
    path, other = f"/api/threads/{created(person)['id']}", Person(twin)
    assert {other.ask(method, path, json={}).status_code for method in ("GET", "PUT", "DELETE")} == {403}
    assert other.ask("GET", f"{path}/messages").status_code == 403
    assert {person.ask("GET", f"/api/threads/{one}").status_code for one in ("unknown", "a%00b", "x" * 999)} == {404}
    assert len(person.listed()) == 1


@pytest.mark.parametrize(
    "body",
    [
        r'{"title": "\u0000"}',
        r'{"metadata": {"a": ["\ud800"]}}',
        r'{"metadata": {"\u0000": 1}}',
        '{"metadata": {"a": NaN}}',
        '{"metadata": {"a": 1e999}}',
        '{"title": 5}',
        '{"metadata": []}',
        "[]",
        "no json",
        '{"metadata":' + '{"a":' * 40 + "1" + "}" * 41,
        '{"metadata": {"a": ' + "[" * 20_000 + "]" * 20_000 + "}}",
        '{"title": "' + "a" * 501 + '"}',
    ],
)
def test_what_cannot_be_stored_is_422_and_lists_live_on(person: Person, body: str) -> None:
    assert person.ask("POST", "/api/threads", content=body).status_code == 422
    assert person.listed() == []


def test_a_body_of_a_mebibyte_is_413(person: Person) -> None:
    assert person.ask("POST", "/api/threads", json={"title": "a" * 2**20}).status_code == 413


async def test_the_agent_answers_in_every_tab_and_the_thread_keeps_it(twin: dict[str, Any], person: Person) -> None:
    thread, other = created(person)["id"], Person(twin)
    async with person.tab() as first, person.tab() as second, other.tab() as foreign:
        for one in (first, second, foreign):
            assert (await heard(one))["type"] == "system_message"
        await first.send(json.dumps({"type": "user_message", "data": {"text": "hello", "thread_id": thread}}))
        events = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]
        assert [(await heard(first))["type"] for _ in events] == events
        assert [(await heard(second))["type"] for _ in events] == events
        await foreign.send('{"type": "ping"}')
        assert (await heard(foreign))["type"] == "pong"
        await foreign.send(json.dumps({"type": "user_message", "data": {"text": "me too", "thread_id": thread}}))
        assert (await heard(foreign))["error_code"] == "THREAD_NOT_FOUND"
        await second.close()
        await first.send(r'{"type": "user_message", "data": {"text": "\ud800"}}')
        assert (await heard(first))["error_code"] == "INVALID_MESSAGE"
    told = person.ask("GET", f"/api/threads/{thread}/messages?limit=1&offset=1").json()
    assert [(one["role"], one["content"]) for one in told["messages"]] == [("assistant", "hello")]
    assert (told["total"], person.listed()[0]["message_count"]) == (2, 2)


async def talk_on(socket: ClientConnection) -> None:
    """Ping after ping, until the session ends: at the first one after its next look, a second at most."""
    while True:
        await socket.send('{"type": "ping"}')
        await heard(socket)


async def test_after_a_logout_no_door_takes_the_token(person: Person) -> None:
    async with person.tab() as socket:
        await heard(socket)
        assert (person.logs_out(), person.validates()) == (200, 401)
        assert person.ask("GET", "/api/threads").status_code == 401
        with pytest.raises(ConnectionClosedError) as ended:
            await talk_on(socket)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1008


@pytest.mark.parametrize("path", ["/api/threads", "/api/threads?limit=x", "/no/such/path"])
def test_the_frontend_may_read_every_answer_and_a_stranger_none(person: Person, path: str) -> None:
    allowed = person.ask("GET", path, {"Origin": FRONTEND}).headers
    assert allowed["access-control-allow-origin"] == FRONTEND
    assert allowed["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in person.ask("GET", path, {"Origin": STRANGER}).headers


def test_the_frontend_may_read_a_500(twin: dict[str, Any], person: Person) -> None:
    fault = f"{twin['twin']['control_url']}/faults/threads.always-500"
    httpx.put(fault).raise_for_status()
    answer = person.ask("GET", "/api/threads", {"Origin": FRONTEND})
    httpx.delete(fault).raise_for_status()
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (500, FRONTEND)
    assert answer.headers["cache-control"] == "private, no-store"


def test_every_published_read_is_answered_and_head_and_options_too(person: Person) -> None:
    paths = person.ask("GET", "/openapi.json").json()["paths"]
    wanted = [path.replace("{thread_id}", "unknown") for path, how in paths.items() if "get" in how]
    assert len(wanted) > 10
    for path in wanted:
        statuses = {person.ask(method, path).status_code for method in ("GET", "HEAD")}
        assert statuses <= {200, 404}, path
        assert len(statuses) == 1
        assert person.ask("OPTIONS", path).status_code == 204
