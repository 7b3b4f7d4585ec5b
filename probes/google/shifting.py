"""Moving a service's traffic by the Admin API: the one place that changes anything, and only for `make rollout`."""

from collections.abc import Mapping
from typing import Any

from probes.google.google_api import GoogleApi

BY_NAME = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"


def request_of(service: str) -> str:
    """The request that moves a service's traffic, as accounts name it."""
    return f"PATCH /v2/{service}?updateMask=traffic"


async def shift(api: GoogleApi, service: str, split: Mapping[str, int], tags: Mapping[str, str]) -> dict[str, Any]:
    """Put a split of the traffic in force and keep the tags; returns the API's answer, an operation.

    Args:
        api: The Admin API, with permission to change (roles/run.developer).
        service: Its full name, `projects/P/locations/L/services/S`.
        split: Revision -> per cent, 100 in all.
        tags: Tag -> revision, all of them: a tag that is not listed is removed.

    Raises:
        SourceRefused: The API does not let us, or refuses the split.
    """
    targets: list[dict[str, Any]] = [
        {"type": BY_NAME, "revision": name, "percent": percent} for name, percent in split.items() if percent
    ]
    targets += [{"type": BY_NAME, "revision": name, "tag": tag} for tag, name in tags.items()]
    method, _, path = request_of(service).partition(" ")
    return await api.ask(request_of(service), method, path, {"traffic": targets})
