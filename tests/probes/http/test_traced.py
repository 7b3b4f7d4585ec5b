"""Every way in which the suite asks carries the run and the trace, so that the server's lines can be found again."""

import re
from collections.abc import Mapping

import pytest
from websockets.asyncio.server import ServerConnection, serve

from probes.http.client import HttpClient
from probes.identity import RunIdentity
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from probes.websocket.handshake import Credential, Endpoint, Refused, Way, dial
from tests.probes.answering import answering
from tests.probes.websocket.joining import DIALECT

IDENTITY = RunIdentity("20261124T090000Z-abcdef")
TRACE = "0af7651916cd43dd8448eb211c80319c"


def assert_traced(headers: Mapping[str, str]) -> None:
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-01", headers["traceparent"])
    assert re.fullmatch(f"{TRACE}/[0-9]+;o=1", headers["X-Cloud-Trace-Context"])
    assert headers["User-Agent"].startswith("netra-verify/")
    assert IDENTITY.run_id in headers["User-Agent"]
    assert "Cookie" not in headers  # a cookie of session affinity would override the traffic split


async def test_an_http_request_is_traced_and_keeps_no_cookie() -> None:
    with answering((200, {})) as script:
        async with HttpClient(script.url, IDENTITY, deadline_s=5) as client:
            for _ in range(2):
                await client.send("GET", "/", trace_id=TRACE)
    for asked in script.asked:
        assert_traced({("traceparent" if key.lower() == "traceparent" else key): v for key, v in asked.headers.items()})


@pytest.mark.parametrize("way", ["header", "subprotocol"])
async def test_a_websocket_handshake_is_traced(way: Way) -> None:
    seen: list[Mapping[str, str]] = []

    async def keep(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers)

    def select(_: ServerConnection, offered: list[str]) -> str | None:
        return offered[0] if offered else None

    async with serve(keep, "127.0.0.1", 0, select_subprotocol=select) as server:  # type: ignore[arg-type]  # a plain str does, too
        port = server.sockets[0].getsockname()[1]
        url = f"ws://127.0.0.1:{port}/ws"
        shown = Credential(Secret("t"), way)
        at = Endpoint(url=url, identity=IDENTITY, deadlines=Deadlines(), dialect=DIALECT)
        connection = await dial(at, shown, TRACE)
        assert not isinstance(connection, Refused)
        await connection.close()
    assert_traced(seen[0])
