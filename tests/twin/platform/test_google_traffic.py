"""google-cloud-run moves the twin's traffic and its tags, and is refused what the real API refuses."""

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.protobuf import field_mask_pb2

from tests.twin.platform.apis import LATEST, OLD, PROJECT, REGION, SERVICE, Served, build_platform

NAME = f"projects/{PROJECT}/locations/{REGION}/services/{SERVICE}"
BY_NAME = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
TO_LATEST = run_v2.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST


def _share(revision: str, percent: int = 0, tag: str = "") -> run_v2.TrafficTarget:
    return run_v2.TrafficTarget(type_=BY_NAME, revision=revision, percent=percent, tag=tag)


def _change(services: run_v2.ServicesClient, *targets: run_v2.TrafficTarget) -> None:
    service = run_v2.Service(name=NAME, traffic=targets)
    services.update_service(
        run_v2.UpdateServiceRequest(service=service, update_mask=field_mask_pb2.FieldMask(paths=["traffic"]))
    )


def test_shares_and_tags_are_in_force_at_once(apis: Served, services: run_v2.ServicesClient) -> None:
    _change(services, _share(LATEST, 10, "verify"), _share(OLD, 90))
    described = services.get_service(name=NAME)
    assert {one.revision: one.percent for one in described.traffic_statuses if one.percent} == {LATEST: 10, OLD: 90}
    assert {one.tag: one.revision for one in described.traffic_statuses if one.tag} == {"verify": LATEST}
    assert all(one.uri.startswith("http://") for one in described.traffic_statuses if one.tag)
    service = apis.platform.services[SERVICE]
    assert service.choose("verify") is service.revisions[LATEST]
    assert service.choose("other") is None
    assert described.update_time > described.create_time


def test_all_to_the_latest_takes_the_tags_away(services: run_v2.ServicesClient) -> None:
    _change(services, _share(OLD, 100, "verify"))
    _change(services, run_v2.TrafficTarget(type_=TO_LATEST, percent=100))
    statuses = services.get_service(name=NAME).traffic_statuses
    assert [(one.revision, one.percent, one.tag) for one in statuses] == [(LATEST, 100, "")]


@pytest.mark.parametrize(
    "targets, said",
    [
        pytest.param([_share(LATEST, 90)], "100, got 90", id="not all of it"),
        pytest.param([_share("no-such", 100)], "'no-such' does not exist", id="no such revision"),
        pytest.param([_share(LATEST, 100, "a"), _share(OLD, 0, "a")], "Tag 'a'", id="a tag twice"),
    ],
)
def test_what_the_api_refuses_changes_nothing(
    services: run_v2.ServicesClient, targets: list[run_v2.TrafficTarget], said: str
) -> None:
    before = services.get_service(name=NAME)
    with pytest.raises(exceptions.BadRequest, match=said):
        _change(services, *targets)
    assert services.get_service(name=NAME) == before


@pytest.mark.parametrize(
    "host, tag",
    [
        ("verify---netra-backend-staging-abc123-uc.a.run.app", "verify"),
        ("verify---netra-backend-staging-abc123-uc.a.run.app:443", "verify"),
        ("netra-backend-staging-abc123-uc.a.run.app", ""),
        ("verify---another-service-uc.a.run.app", ""),
        ("127.0.0.1:8080", ""),
    ],
)
def test_a_tag_is_the_first_part_of_the_host(host: str, tag: str) -> None:
    assert build_platform().services[SERVICE].tag_of(host) == tag


def test_every_request_waits_for_the_first_instance_and_none_for_a_second() -> None:
    revision = build_platform().services[SERVICE].revisions[LATEST]
    revision.cold_s = 3.0
    assert [revision.warming_s(now) for now in (100.0, 101.0, 103.0, 200.0)] == [3.0, 2.0, 0.0, 0.0]
