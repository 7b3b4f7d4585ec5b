"""Faults of the release itself: revisions, traffic, order, environment, the way back."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from twin.names import CANDIDATE_REVISION, OLD_REVISION, REVISION
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.platform.state import Platform, Service
    from twin.stack import Stack

Described = dict[str, Any]
BACKEND, AUTH = "netra-backend-staging", "netra-auth-service"
A_TENTH = 10  # per cent


async def _splitting(stack: "Stack", new: int, old: int) -> Undo:
    await stack.bring_up("old")
    await stack.ask_platform(
        "PUT", f"/revisions/{BACKEND}/{OLD_REVISION}", {"upstream_port": stack.ports["old_upstream"]}
    )
    await stack.ask_platform("PUT", f"/traffic/{BACKEND}", {REVISION: new, OLD_REVISION: old})

    async def undo() -> None:
        await stack.ask_platform("PUT", f"/traffic/{BACKEND}", {REVISION: 100})
        await stack.ask_platform("PUT", f"/revisions/{BACKEND}/{OLD_REVISION}", {"upstream_port": None})
        await stack.take_down("old")

    return undo


@fault("release.tenth-on-the-old", place="stack", seen="a canary split that was never finished")
async def tenth_on_old(stack: "Stack") -> Undo:
    """One request in ten goes to the old revision."""
    return await _splitting(stack, 90, 10)


@fault("release.old-still-serving", place="stack", seen="--no-traffic on deploy, or a pinned revision")
async def old_serving(stack: "Stack") -> Undo:
    """The new revision was deployed and takes no traffic."""
    return await _splitting(stack, 0, 100)


def _describing(platform: "Platform", service: str, change: Callable[[Described], object]) -> Undo:
    healthy = platform.describe

    def describe(given: "Platform", which: "Service", described: Described) -> Described:
        body = healthy(given, which, described)
        if which.name == service:
            change(body)
        return body

    return replace(platform, describe=describe)


@fault("release.latest-not-ready", place="platform", seen="a container that never listened on $PORT")
def latest_not_ready(platform: "Platform") -> Undo:
    """The latest revision failed to become ready, and the one before serves."""

    def change(described: Described) -> None:
        if "terminalCondition" in described:
            described["terminalCondition"]["state"] = "CONDITION_FAILED"
            older = described["latestReadyRevision"].rpartition("-00094")[0] + "-00093-old"
            described["latestReadyRevision"] = older

    return _describing(platform, BACKEND, change)


@fault("release.auth-deployed-after", place="platform", seen="both services deployed by one pipeline, in parallel")
def auth_after(platform: "Platform") -> Undo:
    """The auth service's revision is younger than the backend's."""
    later = (datetime.now(UTC) + timedelta(seconds=30)).isoformat().replace("+00:00", "Z")

    def change(described: Described) -> None:
        for revision in described.get("revisions", []):
            revision["createTime"] = later

    return _describing(platform, AUTH, change)


@fault("release.auth-not-ready", place="platform", seen="an auth service whose new revision never became ready")
def auth_not_ready(platform: "Platform") -> Undo:
    """The auth service's latest revision failed, and the platform says so."""

    def change(described: Described) -> None:
        if "terminalCondition" in described:
            described["terminalCondition"]["state"] = "CONDITION_FAILED"

    return _describing(platform, AUTH, change)


def _environment(platform: "Platform", change: Callable[[list[Described]], list[Described]]) -> Undo:
    def change_each(described: Described) -> None:
        for one in [described.get("template"), *described.get("revisions", [])]:
            for container in (one or {}).get("containers", []):
                container["env"] = change(container["env"])

    return _describing(platform, BACKEND, change_each)


@fault("release.auth-service-url-missing", place="platform", seen="as found on 7 January: AUTH_SERVICE_URL not set")
def url_missing(platform: "Platform") -> Undo:
    """A variable of the contract is not set."""
    return _environment(platform, lambda env: [one for one in env if one["name"] != "AUTH_SERVICE_URL"])


@fault("release.service-key-empty", place="platform", seen="a secret that resolved to nothing")
def key_empty(platform: "Platform") -> Undo:
    """A variable of the contract is empty."""
    return _environment(
        platform,
        lambda env: [{"name": "SERVICE_KEY", "value": ""} if one["name"] == "SERVICE_KEY" else one for one in env],
    )


@fault("release.request-timeout-300", place="platform", seen="Cloud Run's default of 300 s")
def timeout_300(platform: "Platform") -> Undo:
    """Every WebSocket is cut after five minutes."""
    return replace(platform.services[BACKEND], request_timeout_s=300.0)


@fault("release.first-revision-ever", place="platform", seen="a service that was deleted and created again")
def first_ever(platform: "Platform") -> Undo:
    """There is nothing to go back to."""

    def change(described: Described) -> None:
        if "revisions" in described:
            described["revisions"] = [one for one in described["revisions"] if not one["name"].endswith("-old")]

    return _describing(platform, BACKEND, change)


@fault("release.candidate-takes-a-tenth", place="stack", seen="gcloud run deploy with a tag, without --no-traffic")
async def candidate_takes_a_tenth(stack: "Stack") -> Undo:
    """Users meet the tagged revision before it has been judged."""
    await stack.ask_platform("PUT", f"/traffic/{BACKEND}", {CANDIDATE_REVISION: 10, REVISION: 90})

    async def undo() -> None:
        await stack.ask_platform("PUT", f"/traffic/{BACKEND}", {REVISION: 100})

    return undo


@fault("platform.tag-moves", place="platform", seen="two pipelines that deploy under one tag", dependency=True)
def tag_moves(platform: "Platform") -> Undo:
    """The tag points to another revision as soon as it has been read once."""
    read = 0

    def change(described: Described) -> None:
        nonlocal read
        tagged = [part for part in described.get("trafficStatuses", []) if "tag" in part]
        for part in tagged if read else []:
            part["revision"] = OLD_REVISION
        read += bool(tagged)

    return _describing(platform, BACKEND, change)


@fault(
    "platform.too-few-instances", place="platform", seen="--max-instances=1: enough for 1 % of the traffic",
    dependency=True,  # before a tenth of the traffic nothing shows it
)  # fmt: skip
def too_few_instances(platform: "Platform") -> Undo:
    """From a tenth of the traffic on every third request to the candidate finds no free instance."""
    asked = itertools.count()

    def has(service: "Service", revision: str) -> bool:
        crowded = revision == CANDIDATE_REVISION and service.traffic.get(revision, 0) >= A_TENTH
        return not crowded or next(asked) % 3 != 0

    return replace(platform, has_instance=has)


@fault("platform.nothing-serves", place="platform", seen="the first deploy of a service failed", dependency=True)
def nothing_serves(platform: "Platform") -> Undo:
    """No revision has ever taken traffic."""

    def change(described: Described) -> None:
        described.pop("trafficStatuses", None)
        described.pop("latestReadyRevision", None)

    return _describing(platform, BACKEND, change)
