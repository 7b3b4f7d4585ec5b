"""Changing a service's traffic and its tags: `services.patch` of the Admin API v2 with `updateMask=traffic`."""

import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from twin.platform.query import QueryError
from twin.platform.state import Entry, Service, stamp

WHOLE = 100
LATEST = frozenset({1, "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"})  # clients may send the enum's number
OPERATION = "type.googleapis.com/google.cloud.run.v2.Service"


async def change_traffic(service: Service, body: Mapping[str, Any]) -> None:
    """Put a list of traffic targets in force. Raises QueryError for one that the API would refuse."""
    shares: Counter[str] = Counter()
    tags: dict[str, str] = {}
    for target in body.get("traffic", []):
        name = service.latest if target.get("type") in LATEST else str(target.get("revision", "")).rpartition("/")[2]
        if name not in service.revisions:
            raise QueryError(f"spec.traffic: Revision '{name}' does not exist.")
        if not service.revisions[name].ready:
            raise QueryError(f"spec.traffic: Revision '{name}' is not ready and cannot serve traffic.")
        shares[name] += int(target.get("percent", 0))
        tag = target.get("tag", "")
        if tag in tags:
            raise QueryError(f"spec.traffic: Tag '{tag}' is given to more than one target.")
        if tag:
            tags[tag] = name
    if shares.total() != WHOLE:
        raise QueryError(f"spec.traffic: The sum of percents must be 100, got {shares.total()}.")
    service.traffic = {name: share for name, share in shares.items() if share}
    service.tags = tags
    service.updated = stamp(datetime.now(UTC))
    for tag in tags:
        if tag not in service.tag_ports and service.listen is not None:
            await service.listen(tag)


def operation(described: Entry, answer: Entry) -> Entry:
    """The long-running operation that a change answers with: done at once here."""
    place = described["name"].rpartition("/services/")[0]
    return {
        "name": f"{place}/operations/{secrets.token_hex(16)}",
        "done": True,
        "response": {"@type": OPERATION, **answer},
    }
