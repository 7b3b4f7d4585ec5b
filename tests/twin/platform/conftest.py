"""The platform's APIs on loopback, and Google's own client of the Admin API."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import run_v2
from google.cloud.run_v2.services.services.transports.rest import ServicesRestTransport

from tests.twin.platform.apis import Served, build_platform, served


@pytest.fixture
def apis() -> Iterator[Served]:
    """A service of two revisions, its traffic split."""
    with served(build_platform()) as up:
        yield up


@pytest.fixture
def services(apis: Served) -> run_v2.ServicesClient:
    """Google's client, which asks these APIs."""
    transport = ServicesRestTransport(host=apis.host, url_scheme="http", credentials=AnonymousCredentials())
    return run_v2.ServicesClient(transport=transport)
