"""Moments as the documents write them."""

from datetime import UTC, datetime


def rfc3339(moment: datetime, timespec: str = "milliseconds") -> str:
    """A moment as documents write it: RFC 3339, UTC; to the millisecond unless `timespec` says otherwise."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
