"""Timestamps as written in documents."""

from datetime import UTC, datetime


def rfc3339(moment: datetime, timespec: str = "milliseconds") -> str:
    """A timestamp as documents write it: RFC 3339, UTC, in milliseconds unless `timespec` says otherwise."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """A timestamp of a document, in UTC. Raises ValueError for one without a zone, or that no calendar has."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError(f"{text!r} has no time zone")
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is beyond the calendar") from error
