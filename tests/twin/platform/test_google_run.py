"""google-cloud-run, over REST, reads the twin's Admin API: the twin and our client can't share a mistake."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import run_v2
from google.cloud.run_v2.services.revisions.transports.rest import RevisionsRestTransport
from google.protobuf import json_format

from probes.google.cloud_run import CloudRun
from probes.http.client import HttpClient
from tests.twin.platform.apis import (
    IDENTITY,
    LATEST,
    OLD,
    PROJECT,
    REGION,
    SERVICE,
    Served,
    build_platform,
    our_api,
    served,
)

PARENT = f"projects/{PROJECT}/locations/{REGION}"
NAME = f"{PARENT}/services/{SERVICE}"


@pytest.fixture
def revisions(apis: Served) -> run_v2.RevisionsClient:
    transport = RevisionsRestTransport(host=apis.host, url_scheme="http", credentials=AnonymousCredentials())
    return run_v2.RevisionsClient(transport=transport)


async def test_both_clients_read_the_same_service(apis: Served, services: run_v2.ServicesClient) -> None:
    theirs = services.get_service(name=NAME)
    async with HttpClient(apis.url, IDENTITY, deadline_s=10) as client:
        ours = await CloudRun(our_api(client), our_api(client), PROJECT, REGION).describe(SERVICE)
    container = theirs.template.containers[0]
    assert theirs.latest_created_revision == f"{NAME}/revisions/{ours.latest_created}"
    assert theirs.latest_ready_revision == f"{NAME}/revisions/{ours.latest_ready}"
    assert theirs.template.timeout == timedelta(seconds=ours.request_timeout_s)
    assert {one.revision: one.percent for one in theirs.traffic_statuses} == ours.traffic == {LATEST: 90, OLD: 10}
    assert {one.name for one in container.env} == ours.variables
    assert container.image == ours.image
    named = {one.name for one in container.env if not one.value and not one.value_source.secret_key_ref.secret}
    assert named == ours.empty_variables == {"EMPTY"}
    assert (theirs.terminal_condition.state is run_v2.Condition.State.CONDITION_SUCCEEDED) == ours.ready


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("most", [0, 1])
async def test_both_clients_list_the_same_revisions(
    apis: Served, revisions: run_v2.RevisionsClient, size: int, most: int
) -> None:
    """However many the client asks for, and however many the platform tells at once."""
    apis.platform.most_listed = most
    request = run_v2.ListRevisionsRequest(parent=NAME, page_size=size)
    theirs = list(revisions.list_revisions(request))
    async with HttpClient(apis.url, IDENTITY, deadline_s=10) as client:
        ours = (await CloudRun(our_api(client), our_api(client), PROJECT, REGION).describe(SERVICE)).revisions
    assert [one.name.rpartition("/")[2] for one in theirs] == [one.name for one in ours] == [LATEST, OLD]
    assert [datetime.fromisoformat(one.create_time.isoformat()) for one in theirs] == [one.created for one in ours]
    assert [one.containers[0].image for one in theirs] == [one.image for one in ours]


def test_service_and_revisions_are_messages_in_all_their_fields(apis: Served) -> None:
    told = httpx.get(f"{apis.url}/v2/{NAME}").json()
    service = json_format.ParseDict(told, run_v2.Service.pb()())
    assert service.create_time.ToDatetime(UTC) == datetime(2026, 11, 22, 8, tzinfo=UTC)
    listed = json_format.ParseDict(
        httpx.get(f"{apis.url}/v2/{NAME}/revisions").json(), run_v2.ListRevisionsResponse.pb()()
    )
    assert [one.create_time.nanos for one in listed.revisions] == [123456000, 0]


@pytest.mark.parametrize("timeout_s", [0.0000001, 1.5, 300.0, 3600.0, 1e7])
def test_any_timeout_is_a_duration(timeout_s: float) -> None:
    platform = build_platform()
    platform.services[SERVICE].request_timeout_s = timeout_s
    with served(platform) as up:
        service = json_format.ParseDict(httpx.get(f"{up.url}/v2/{NAME}").json(), run_v2.Service.pb()())
    assert service.template.timeout.ToNanoseconds() == round(timeout_s * 1e9)


def test_a_service_without_a_ready_revision_is_described() -> None:
    platform = build_platform()
    for one in platform.services[SERVICE].revisions.values():
        one.ready = False
    with served(platform) as up:
        service = json_format.ParseDict(httpx.get(f"{up.url}/v2/{NAME}").json(), run_v2.Service.pb()())
    assert service.latest_ready_revision == ""
    assert service.terminal_condition.state == run_v2.Condition.State.CONDITION_FAILED


def test_an_unknown_service_is_their_not_found(services: run_v2.ServicesClient) -> None:
    with pytest.raises(exceptions.NotFound, match="no-such"):
        services.get_service(name=f"{PARENT}/services/no-such")


def test_nothing_can_be_changed(services: run_v2.ServicesClient, revisions: run_v2.RevisionsClient) -> None:
    with pytest.raises(exceptions.MethodNotAllowed):
        services.update_service(service=run_v2.Service(name=NAME))
    with pytest.raises(exceptions.MethodNotAllowed):
        services.delete_service(name=NAME)
    with pytest.raises(exceptions.NotFound):
        revisions.delete_revision(name=f"{NAME}/revisions/{OLD}")
