"""The service as deployed, revision by revision: what was recorded of it is what the twin says."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.system.running import run, twin_up
from tests.twin.people import Person, heard

STRANGER = "https://evil.example"


@pytest.fixture(scope="module")
def september_7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with twin_up(tmp_path_factory.mktemp("twin"), "--state", "as-deployed") as addresses:
        yield addresses


@pytest.fixture(scope="module")
def beta_10(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with twin_up(tmp_path_factory.mktemp("twin"), "--state", "as-deployed-beta-10") as addresses:
        yield addresses


@pytest.fixture(scope="module")
def september_18(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with twin_up(tmp_path_factory.mktemp("twin"), "--state", "as-deployed-18-september") as addresses:
        yield addresses


@pytest.mark.parametrize(
    "method,path,said",
    [
        ("POST", "/api/threads", "Failed to create thread"),
        ("GET", "/api/threads/x", "Failed to get thread"),
        ("PUT", "/api/threads/x", "Failed to update thread"),
        ("DELETE", "/api/threads/x", "Failed to delete thread"),
        ("GET", "/api/threads/x/messages", "Failed to get thread messages"),
    ],
)
def test_five_routes_are_dead(september_7: dict[str, Any], method: str, path: str, said: str) -> None:
    person = Person(september_7)
    answer = person.ask(method, path, json={"title": "x"}) if method != "GET" else person.ask(method, path)
    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (500, "INTERNAL_ERROR")
    assert body["message"].startswith(f"{said}. Error: ")
    assert body["trace_id"] == answer.headers["x-trace-id"]
    assert person.listed() == []


@pytest.mark.parametrize(
    "token,status,code",
    [("", 403, "AUTH_UNAUTHORIZED"), ("Basic eDp5", 403, "AUTH_UNAUTHORIZED"), ("Bearer junk", 401, "AUTH_FAILED")],
)
def test_refusals_are_as_recorded(september_7: dict[str, Any], token: str, status: int, code: str) -> None:
    answer = Person(september_7).ask("GET", "/api/threads?limit=x", {"Authorization": token})
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert "www-authenticate" not in answer.headers
    assert "server-timing" not in answer.headers


@pytest.mark.parametrize("query,status", [("limit=0", 200), ("limit=-1", 200), ("limit=101", 422), ("offset=-1", 422)])
def test_bounds_are_as_recorded(september_7: dict[str, Any], query: str, status: int) -> None:
    assert Person(september_7).ask("GET", f"/api/threads?{query}").status_code == status


@pytest.mark.parametrize("path", ["/health/detailed", "/metrics"])
def test_there_is_no_detailed_health_and_no_metrics(september_7: dict[str, Any], path: str) -> None:
    assert httpx.get(f"{september_7['backend']['url']}{path}").json() == {"detail": "Not Found"}


def test_any_origin_is_reflected_with_credentials(september_7: dict[str, Any]) -> None:
    person = Person(september_7)
    preflight = {"Origin": STRANGER, "Access-Control-Request-Method": "GET"}
    asked = (
        person.ask("OPTIONS", "/api/threads", preflight),
        person.ask("GET", "/api/threads", {"Origin": STRANGER}),
        person.ask("POST", "/api/threads", {"Origin": STRANGER}, json={}),
    )
    assert [one.status_code for one in asked] == [400, 200, 500]
    assert {one.headers["access-control-allow-origin"] for one in asked} == {STRANGER}
    assert {one.headers["access-control-allow-credentials"] for one in asked} == {"true"}


def test_validation_is_200_for_good_and_bad_and_wants_no_key(september_7: dict[str, Any]) -> None:
    url = f"{september_7['auth']['url']}/auth/validate"
    good = httpx.post(url, json={"token": Person(september_7).token})
    bad, none = httpx.post(url, json={"token": "junk"}), httpx.post(url)
    assert [one.status_code for one in (good, bad, none)] == [200, 200, 200]
    assert (good.json()["valid"], bad.json()["error"], none.json()["error"]) == (
        True,
        "invalid_token",
        "invalid_request",
    )
    assert httpx.post(url, json={"token": "x" * 65_536}).status_code == 413
    assert httpx.post(f"{september_7['auth']['url']}/validate", json={}).status_code == 404


def _validates(twin: dict[str, Any], person: Person) -> bool:
    answer = httpx.post(f"{twin['auth']['url']}/auth/validate", json={"token": person.token})
    return bool(answer.json()["valid"])


@pytest.mark.parametrize(
    "how,by_auth,by_rest",
    [
        ({"sub": " nv-blanks "}, True, 200), ({"sub": ""}, True, 401), ({"sub": 1}, False, 401),
        ({"head": {"crit": ["nv-unknown"], "nv-unknown": True}}, True, 200), ({"ahead_s": 30}, False, 401),
        ({"sub": "nv-x\x00y"}, True, 500),
    ],
)  # fmt: skip
def test_tokens_are_read_as_recorded(
    september_7: dict[str, Any], how: dict[str, Any], *, by_auth: bool, by_rest: int
) -> None:
    person = Person(september_7, email="reader@example.test")
    person.signs(**how)
    answer = person.ask("GET", "/api/threads")
    assert (_validates(september_7, person), answer.status_code) == (by_auth, by_rest)
    if by_rest == httpx.codes.INTERNAL_SERVER_ERROR:
        assert answer.json() == {"error": "Internal server error"}


def test_what_crit_asks_for_is_not_asked_of_a_forged_token(september_7: dict[str, Any]) -> None:
    person = Person(september_7)
    person.signs(head={"crit": ["nv-unknown"], "nv-unknown": True}, secret="f" * 40)
    assert not _validates(september_7, person)


def test_a_title_that_is_an_object_is_a_bare_500_for_its_owner(september_7: dict[str, Any]) -> None:
    person = Person(september_7)
    assert person.listed() == []
    asyncio.run(_own_a_thread(september_7["database"]["url"], person.sub, title={"en": "Hello"}))
    answer = person.ask("GET", "/api/threads")
    assert (answer.status_code, answer.json()) == (500, {"error": "Internal server error"})


def test_rest_finds_users_by_email_and_makes_them(september_7: dict[str, Any]) -> None:
    first = Person(september_7, email="shared@example.test")
    assert first.listed() == []
    asyncio.run(_own_a_thread(september_7["database"]["url"], first.sub))
    second = Person(september_7, email="shared@example.test")
    assert [one["metadata"]["user_id"] for one in second.listed()] == [first.sub]


async def _own_a_thread(url: str, owner: str, **more: object) -> None:
    connection = await asyncpg.connect(url)
    metadata = json.dumps({"user_id": owner, **more})
    await connection.execute("INSERT INTO threads VALUES ($1, 'thread', 1, $2::json, now())", f"t-{owner}", metadata)
    assert await connection.fetchval("SELECT count(*) FROM users WHERE id = $1", owner) == 1
    assert await connection.fetchval("SELECT to_regclass('alembic_version')") is None
    await connection.close()


def test_a_logout_ends_nothing_at_rest(september_7: dict[str, Any]) -> None:
    person = Person(september_7)
    assert person.listed() == []
    assert person.logs_out() == 200
    answer = httpx.post(f"{september_7['auth']['url']}/auth/validate", json={"token": person.token})
    assert answer.json()["valid"] is False
    assert person.listed() == []


async def test_a_good_token_is_accepted_and_then_refused(september_7: dict[str, Any]) -> None:
    async with Person(september_7).tab() as socket:
        assert (await heard(socket))["error_code"] == "AUTH_REQUIRED"
        with pytest.raises(ConnectionClosedError) as ended:
            await heard(socket)
    assert ended.value.rcvd is not None
    assert (ended.value.rcvd.code, ended.value.rcvd.reason) == (1008, "Authentication failed")


async def test_a_bad_token_is_403_at_the_handshake(september_7: dict[str, Any]) -> None:
    person = Person(september_7)
    person.token = "junk"
    with pytest.raises(InvalidStatus) as refused:
        async with person.tab():
            pass
    assert refused.value.response.status_code == 403


async def test_sessions_speak_the_recorded_dialect(beta_10: dict[str, Any]) -> None:
    async with Person(beta_10).tab() as socket:
        first, second, third = [await heard(socket) for _ in range(3)]
        assert (first["data"]["event"], second["data"]["event"]) == ("service_info", "connection_established")
        assert third["type"] == "ping"
        for sent in ('{"type": "ping"}', '{"type": "heartbeat"}', "{bad", "[1]", b"xx", "x" * 9000, '{"type": "no"}'):
            await socket.send(sent)
        told = [await heard(socket) for _ in range(4)]
    assert [one["type"] for one in told] == ["pong", "heartbeat_ack", "error_message", "ack"]
    assert told[2]["error_code"] == "FORMAT_ERROR"


async def test_after_five_sessions_a_user_is_locked_out(beta_10: dict[str, Any]) -> None:
    person = Person(beta_10)
    for _ in range(5):
        async with person.tab() as socket:
            assert (await heard(socket))["type"] == "system_message"
    async with person.tab() as socket:
        with pytest.raises(ConnectionClosedError) as ended:
            await heard(socket)
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1011


def test_one_row_of_anybody_makes_every_list_a_500(tmp_path_factory: pytest.TempPathFactory) -> None:
    with twin_up(tmp_path_factory.mktemp("twin"), "--state", "as-deployed-beta-10") as twin:
        planted = Person(twin).ask("POST", "/api/threads", json={"metadata": {"x": "\x00"}})
        answer = Person(twin).ask("GET", "/api/threads")
    assert (planted.status_code, answer.status_code) == (200, 500)
    assert "WHERE (threads.metadata_ ->> $1) = $2" in answer.json()["message"]


def test_a_row_without_metadata_is_500_by_its_id_and_in_no_list(beta_10: dict[str, Any]) -> None:
    person = Person(beta_10)
    asyncio.run(_nobodys_row(beta_10["database"]["url"]))
    answer = person.ask("GET", "/api/threads/nobodys")
    assert (answer.status_code, person.listed()) == (500, [])
    assert "Thread metadata is missing" in answer.json()["message"]


async def _nobodys_row(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("INSERT INTO threads VALUES ('nobodys', 'thread', 1, NULL, NULL)")
    await connection.close()


def test_what_create_answered_is_not_stored(september_18: dict[str, Any]) -> None:
    person = Person(september_18)
    answer = person.ask("POST", "/api/threads", json={"title": "x"})
    assert (answer.status_code, person.listed()) == (200, [])
    assert person.ask("GET", f"/api/threads/{answer.json()['id']}").status_code == 404


def test_an_anonymous_request_is_told_how_the_service_is_made(september_18: dict[str, Any]) -> None:
    answer = httpx.get(f"{september_18['backend']['url']}/api/threads")
    assert answer.status_code == 401
    assert {"stack_trace", "debug_info"} <= answer.json().keys()


def test_no_fault_is_shown_on_what_was_deployed() -> None:
    code, output = run("twin", "exec", "--state", "as-deployed", "--fault", "threads.always-500", "--", "true")
    assert (code, "no fault" in output or "no further fault" in output) == (2, True)
