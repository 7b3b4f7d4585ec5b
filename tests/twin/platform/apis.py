"""The platform's APIs on a port of their own, over a platform that a test fills as it likes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from probes.google.access_tokens import no_token
from probes.google.google_api import GoogleApi
from probes.http.client import HttpClient
from probes.identity import RunIdentity
from twin.platform.apis import create_app
from twin.platform.state import Platform, Revision, Service

PROJECT, REGION, SERVICE = "netra-staging", "us-central1", "netra-backend-staging"
OLD, LATEST = f"{SERVICE}-00093-old", f"{SERVICE}-00094-new"
BEGAN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
IDENTITY = RunIdentity("20261124T090000Z-abcdef")
STOPPED_S = 20.0


def our_api(client: HttpClient) -> GoogleApi:
    """What our own probes ask through: no token, no pace."""
    return GoogleApi(client, no_token)


@dataclass(frozen=True, slots=True)
class Served:
    """A platform and where its APIs answer."""

    platform: Platform
    host: str  # host:port

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{self.host}"


def build_platform() -> Platform:
    """One service, two revisions, nothing logged and nothing counted."""
    image = f"{REGION}-docker.pkg.dev/{PROJECT}/netra/backend@sha256:" + "ab" * 32
    env = {"ENVIRONMENT": "staging", "SERVICE_KEY": "set", "EMPTY": ""}
    revisions = {
        OLD: Revision(name=OLD, created="2026-11-22T08:00:00Z", image=image, ready=True, env=env, upstream_port=None),
        LATEST: Revision(
            name=LATEST, created="2026-11-24T08:00:00.123456Z", image=image, ready=True, env=env, upstream_port=None
        ),
    }
    service = Service(
        name=SERVICE,
        edge_port=1,
        request_timeout_s=3600.0,
        traffic={LATEST: 90, OLD: 10},
        revisions=revisions,
        latest=LATEST,
    )
    return Platform(
        project=PROJECT,
        region=REGION,
        services={SERVICE: service},
        log_dir=Path(),
        api_port=0,
        control_port=0,
        log_delay_s=0.0,
    )


@contextmanager
def served(platform: Platform) -> Iterator[Served]:
    """Serve a platform's APIs on loopback, in a thread, until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(platform), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield Served(platform, f"127.0.0.1:{listening.getsockname()[1]}")  # connections wait until it accepts
    finally:
        server.should_exit = True
        thread.join(STOPPED_S)
        listening.close()
        assert not thread.is_alive(), "the APIs did not stop"
