"""Sessions over TLS: small buffers, and everything as it was afterwards."""

from asyncio import sslproto
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection

from bench.websocket import certificate_in, serving
from probes.http.network_path import find_path
from probes.identity import RunIdentity
from probes.secret import Secret
from probes.soak.held_session import Pace
from probes.soak.steady import hold_sessions
from probes.websocket.dialect import Message
from probes.websocket.handshake import Refused
from probes.websocket.sessions import Doorway
from probes.websocket.tls import RECORD, small_buffers
from tests.probes.websocket.joining import DIALECT, SHORT


def test_the_buffers_are_as_before_whatever_happened() -> None:
    before = sslproto.SSLProtocol.max_size

    def fail() -> None:
        with small_buffers():
            assert sslproto.SSLProtocol.max_size == RECORD
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert sslproto.SSLProtocol.max_size == before


async def test_sessions_live_over_tls_with_small_buffers(tmp_path: Path) -> None:
    certificate = certificate_in(tmp_path)
    async with serving(certificate) as url:
        path = find_path(url, ca_file=str(certificate))
        door = Doorway(
            url=url, identity=RunIdentity("20261124T000000Z-715ade"), deadlines=SHORT, dialect=DIALECT, path=path
        )

        async def join(user: str, keepalive_s: float | None) -> tuple[ClientConnection, Message] | Refused:
            return await door.join(Secret(user), ping_interval=keepalive_s)

        pace = Pace(ping_every_s=0.1, answer_s=1.0, reconnect_s=1.0, dialect=DIALECT, keepalive_s=0.3, reconnects=False)
        with small_buffers():
            report = await hold_sessions(join, lambda _: "bench", count=20, seconds=1.0, jitter_s=0.2, pace=pace)
    assert (report.exposure.early, report.breaches) == ([], [])
    assert report.times.n > 50
