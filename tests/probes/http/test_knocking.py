"""How far a knock comes at a door, who has to do something about it, and what was sent."""

import asyncio
from collections.abc import Callable

import pytest

from probes.http.network_path import find_path
from probes.http.reachability import HEAD_BYTES, Knock, Reached, Step, Whose, knock
from probes.identity import RunIdentity
from tests.loopback import LOOPBACK, listening
from tests.serving import Reply, serving
from tests.system.waiting import HANGS_S

RUN = RunIdentity("a-run")
IAM = b"Your client does not have permission to get URL /health from this server."


async def knocked(url: str, *, upgrade: bool = False, deadline_s: float = HANGS_S) -> Reached:
    at = Knock(door="REST", path=find_path(url), target="/health", key="backend", upgrade=upgrade)
    return await knock(at, RUN, deadline_s=deadline_s)


async def answered(reply: Reply) -> Reached:
    async with serving(lambda _head: reply) as server:
        return await knocked(server.url)


@pytest.mark.parametrize(
    "reply, whose, said",
    [
        (Reply(status=200), Whose.NO_ONES, "answered 200"),
        (Reply(status=503), Whose.NO_ONES, "answered 503"),
        (Reply(status=401, body=b"no"), Whose.NO_ONES, "answered 401"),
        (Reply(status=403, body=b"x" * 3_000 + IAM), Whose.OURS, "Google IAM answers 403 before the service"),
        (
            Reply(status=401, body=IAM),
            Whose.OURS,
            'set [backend] identity = "google" (or "given", with NETRA_BACKEND__',
        ),
        (Reply(status=200, body=IAM), Whose.NO_ONES, "answered 200"),
        (Reply(status=403, body=b"x" * 100_000 + IAM), Whose.NO_ONES, "answered 403"),
        (Reply(status=407), Whose.OURS, "a proxy's own page (407, '') instead of the service's"),
        (Reply(status=511), Whose.OURS, "a proxy's own page (511"),
        (Reply(headers={"X-Squid-Error": "ERR 0"}), Whose.OURS, "a proxy's own page (200"),
        (Reply(headers={"Server": "Squid/6.1"}), Whose.OURS, "a proxy's own page (200, 'squid/6.1')"),
        (Reply(headers={"Server": "McAfee Web Gateway 12"}), Whose.OURS, "see HTTPS_PROXY and NO_PROXY"),
        (Reply(headers={"Server": "not squid"}), Whose.NO_ONES, "answered 200"),
    ],
)
async def test_an_answer_is_the_services_or_that_of_what_is_in_front_of_it(
    reply: Reply, whose: Whose, said: str
) -> None:
    found = await answered(reply)
    assert (found.whose, found.step) == (whose, Step.FIRST_BYTE if whose else Step.REACHED)
    assert said in found.detail
    assert found.said == f"REST {found.url}: {found.step}: {found.detail}"
    assert 0 < found.elapsed_s < HANGS_S


async def test_what_is_sent_names_the_run_and_asks_to_close() -> None:
    async with serving(lambda _head: Reply()) as server:
        await knocked(server.url)
    (head,) = server.heard
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "get /health http/1.1"
    assert f"host: {server.url.removeprefix('http://')}" in lines
    assert "connection: close" in lines
    assert any(line.startswith("user-agent: netra-verify/") and "a-run" in line for line in lines)


async def test_an_upgrade_is_asked_for_and_its_answer_is_final() -> None:
    switched = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    async with serving(lambda _head: Reply(raw=switched)) as server:
        found = await knocked(server.url, upgrade=True)
    assert (found.step, found.detail) == (Step.REACHED, "answered 101")
    lines = server.heard[0].decode().lower().split("\r\n")
    assert {"connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"} <= set(lines)
    assert any(len(line.removeprefix("sec-websocket-key: ")) == 24 for line in lines if line.startswith("sec-w"))
    assert "connection: close" not in lines


async def test_informational_answers_are_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + b"HTTP/1.1 204 None\r\n\r\n"
    assert (await answered(Reply(raw=early))).detail == "answered 204"


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


@pytest.mark.parametrize(
    "said, step, whose, detail",
    [
        (b"", Step.FIRST_BYTE, Whose.UNKNOWN, "closed before any answer"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", Step.REACHED, Whose.NO_ONES, "not an HTTP/1.1 answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (HEAD_BYTES + 9), Step.REACHED, Whose.NO_ONES, "not an HTTP/1.1 answer"),
        (b"HTTP/1.1 2", Step.REACHED, Whose.NO_ONES, "not an HTTP/1.1 answer"),
    ],
)
async def test_what_is_no_answer_is_told_apart_from_none(said: bytes, step: Step, whose: Whose, detail: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    async with listening(talk) as port:
        found = await knocked(f"http://{LOOPBACK}:{port}")
    assert (found.step, found.whose) == (step, whose)
    assert found.detail.startswith(detail)


async def test_a_door_that_is_silent_or_shut_or_has_no_name_is_out_of_reach() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with listening(silent) as port:
        hung = await knocked(f"http://{LOOPBACK}:{port}", deadline_s=3.0)
    shut = await knocked(f"http://{LOOPBACK}:{port}")
    nowhere = await knocked("http://no-such-host.invalid")
    assert (hung.step, hung.whose, hung.detail) == (Step.FIRST_BYTE, Whose.UNKNOWN, "nothing within 3 s")
    assert (shut.step, shut.whose) == (Step.TCP, Whose.UNKNOWN)
    assert (nowhere.step, nowhere.whose) == (Step.NAME, Whose.UNKNOWN)
    assert "no such name as 'no-such-host.invalid'" in nowhere.detail


async def test_a_door_without_tls_is_shut_at_that_step() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with listening(plain) as port:
        found = await knocked(f"https://{LOOPBACK}:{port}")
    assert (found.step, found.whose) == (Step.TLS, Whose.UNKNOWN)
