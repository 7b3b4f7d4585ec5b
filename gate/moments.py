"""Timestamps as written in documents."""

from datetime import UTC, datetime


def rfc3339(moment: datetime, timespec: str = "milliseconds") -> str:
    """A timestamp as documents write it: RFC 3339, UTC, in milliseconds unless `timespec` says otherwise."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
