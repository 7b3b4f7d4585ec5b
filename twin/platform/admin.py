"""The Cloud Run Admin API v2: a service and its revisions, as the platform describes them."""

from twin.platform.query import nanoseconds
from twin.platform.state import Entry, Platform, Revision, Service

SECRET = frozenset({"DATABASE_URL", "SERVICE_KEY", "REDIS_URL"})
LATEST, NAMED = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"


def describe_service(platform: Platform, service: Service) -> Entry:
    """A `google.cloud.run.v2.Service`."""
    latest = service.revisions[service.latest]
    ready = [one for one in service.revisions.values() if one.ready]
    newest_ready = max(ready, key=lambda one: nanoseconds(one.created), default=None)
    body = {
        "name": _full_name(platform, service),
        "uid": f"uid-{service.name}",
        "generation": "94",
        "observedGeneration": "94",
        "createTime": min((one.created for one in service.revisions.values()), key=nanoseconds),
        "updateTime": service.updated or latest.created,
        "uri": f"http://127.0.0.1:{service.edge_port}",
        "ingress": "INGRESS_TRAFFIC_ALL",
        "latestCreatedRevision": _full_name(platform, service, latest.name),
        "template": {"timeout": _seconds(service.request_timeout_s), "containers": [_container(latest)]},
        "traffic": _traffic(service),
        "trafficStatuses": [
            one | ({"uri": f"http://127.0.0.1:{service.tag_ports.get(one['tag'], 0)}"} if "tag" in one else {})
            for one in _by_name(service)
        ],
        "terminalCondition": _condition("Ready", good=service.ready and latest.ready),
        "conditions": [_condition("RoutesReady", good=True), _condition("ConfigurationsReady", good=latest.ready)],
        "reconciling": False,
    }
    return body | ({"latestReadyRevision": _full_name(platform, service, newest_ready.name)} if newest_ready else {})


def describe_revision(platform: Platform, service: Service, revision: Revision) -> Entry:
    """A `google.cloud.run.v2.Revision`."""
    return {
        "name": _full_name(platform, service, revision.name),
        "uid": f"uid-{revision.name}",
        "createTime": revision.created,
        "service": service.name,
        "timeout": _seconds(service.request_timeout_s),
        "containers": [_container(revision)],
        "conditions": [_condition("Ready", good=revision.ready)],
    }


def _full_name(platform: Platform, service: Service, revision: str = "") -> str:
    name = f"projects/{platform.project}/locations/{platform.region}/services/{service.name}"
    return f"{name}/revisions/{revision}" if revision else name


def _seconds(duration_s: float) -> str:
    """A protobuf duration in JSON: no exponent, at most nine digits."""
    return f"{duration_s:.9f}".rstrip("0").rstrip(".") + "s"


def _condition(kind: str, *, good: bool) -> Entry:
    return {"type": kind, "state": "CONDITION_SUCCEEDED" if good else "CONDITION_FAILED"}


def _container(revision: Revision) -> Entry:
    env = [
        {"name": name, "valueSource": {"secretKeyRef": {"secret": name.lower(), "version": "latest"}}}
        if name in SECRET and value
        else {"name": name, "value": value}
        for name, value in revision.env.items()
    ]
    return {"image": revision.image, "env": env}


def _traffic(service: Service) -> list[Entry]:
    """What was asked for: the latest revision, or a split by name."""
    if service.traffic == {service.latest: 100}:
        return [{"type": LATEST, "percent": 100}, *(one for one in _by_name(service) if "tag" in one)]
    return _by_name(service)


def _by_name(service: Service) -> list[Entry]:
    """Every share of the traffic, and every tag: a tag without a share has no `percent`."""
    shares = [{"type": NAMED, "revision": name, "percent": percent} for name, percent in service.traffic.items()]
    return [*shares, *({"type": NAMED, "revision": name, "tag": tag} for tag, name in service.tags.items())]
