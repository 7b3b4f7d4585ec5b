"""A past for the platform: revisions that have served for hours, with the requests of those hours in the log."""

import itertools
import secrets
from datetime import UTC, datetime, timedelta

from twin.platform.state import Entry, Platform, Service, Stored, stamp

STATUSES = (200, 200, 200, 200, 404, 200, 401, 200, 200, 422)
PATHS = ("/api/threads", "/api/threads?limit=50", "/health", "/api/agents", "/api/threads")
CLIENT = "Mozilla/5.0 (X11; Linux x86_64)"
SEVERITIES = {2: "INFO", 4: "WARNING", 5: "ERROR"}


def age(platform: Platform, hours: float, requests_per_hour: float) -> int:
    """Let every revision have been created `hours` earlier than at boot, and those with the traffic have served since.

    Ages from boot, not from the last call. Returns how many requests were written into the past.
    """
    rejuvenate(platform)
    back, now = timedelta(hours=hours), datetime.now(UTC)
    written = 0
    for service in platform.services.values():
        for revision in service.revisions.values():
            platform.born[revision.name] = revision.created
            revision.created = stamp(datetime.fromisoformat(revision.created) - back)
        written += _serve(platform, service, now, requests_per_hour)
    return written


def rejuvenate(platform: Platform) -> None:
    """Give every revision the creation time of boot again; the log is the caller's to clear."""
    for service in platform.services.values():
        for revision in service.revisions.values():
            revision.created = platform.born.pop(revision.name, revision.created)


def _serve(platform: Platform, service: Service, now: datetime, requests_per_hour: float) -> int:
    if not requests_per_hour:
        return 0
    created = datetime.fromisoformat(service.revisions[service.serving].created)
    step = timedelta(hours=1 / requests_per_hour)
    moments = itertools.takewhile(lambda one: one < now, (created + n * step for n in itertools.count(1)))
    count = 0
    for number, moment in enumerate(moments):
        status = STATUSES[number % len(STATUSES)]
        entry = request_entry(platform, service, moment, status, PATHS[number % len(PATHS)])
        platform.put(Stored(entry, 0.0))
        platform.counts[service.name, service.serving, status, int(moment.timestamp() // 60)] += 1
        count = number + 1
    return count


def request_entry(platform: Platform, service: Service, moment: datetime, status: int, path: str) -> Entry:
    """A request of somebody else's, as the request log has it."""
    return {
        "insertId": secrets.token_hex(12),
        "logName": f"projects/{platform.project}/logs/run.googleapis.com%2Frequests",
        "severity": SEVERITIES[status // 100],
        "resource": platform.resource(service, service.serving),
        "trace": f"projects/{platform.project}/traces/{secrets.token_hex(16)}",
        "timestamp": stamp(moment),
        "receiveTimestamp": stamp(moment),
        "httpRequest": {
            "requestMethod": "GET",
            "requestUrl": f"https://api.staging.netrasystems.ai{path}",
            "status": status,
            "latency": "0.031000000s",
            "userAgent": CLIENT,
            "protocol": "HTTP/1.1",
        },
    }
