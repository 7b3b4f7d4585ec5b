"""Faults that show over a day of serving: on a platform whose revisions were aged (see `twin.platform.history`)."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from twin.platform.state import Platform

Entry = dict[str, Any]
BACKEND = "netra-backend-staging"
OURS = "netra-verify/"


def _created(platform: "Platform") -> datetime:
    service = platform.services[BACKEND]
    return datetime.fromisoformat(service.revisions[service.latest].created)


@fault("logs.day-500-in-hour-23", place="platform", seen="a nightly job that meets one bad row")
def in_hour_23(platform: "Platform") -> Undo:
    """One request of the 23rd hour of serving was answered 500."""
    from twin.platform.history import request_entry  # noqa: PLC0415 - the other processes need only this file's ids
    from twin.platform.state import Stored  # noqa: PLC0415 - same

    moment = _created(platform) + timedelta(hours=22.5)
    entry = request_entry(platform, platform.services[BACKEND], moment, 500, "/api/threads")
    platform.put(Stored(entry, 0.0))

    def undo() -> None:
        platform.store[:] = [stored for stored in platform.store if stored.entry is not entry]

    return undo


def _hiding(platform: "Platform", hidden: Callable[[Entry], bool]) -> Undo:
    healthy = platform.found

    def found(given: "Platform", entries: list[Entry]) -> list[Entry]:
        return [entry for entry in healthy(given, entries) if not hidden(entry)]

    return replace(platform, found=found)


@fault("logs.day-without-traffic", place="platform", seen="a revision that only the monitoring asks")
def without_traffic(platform: "Platform") -> Undo:
    """Only our own requests were ever sent to the revision."""

    def somebody_elses(entry: Entry) -> bool:
        return OURS not in str(entry.get("httpRequest", {}).get("userAgent", OURS))

    return undo_all(_hiding(platform, somebody_elses), replace(platform, counts=Counter()))


@fault("logs.day-log-switched-off", place="platform", seen="an exclusion filter, switched on for a noisy night")
def switched_off(platform: "Platform") -> Undo:
    """Between the tenth and the fifteenth hour the request log has nothing; the platform counted on."""
    since, until = (_created(platform) + timedelta(hours=hour) for hour in (10, 15))
    return _hiding(platform, lambda entry: since <= datetime.fromisoformat(str(entry["timestamp"])) < until)
