"""A window of time, and RFC 3339 text as a moment."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, explicitly bounded on both sides."""

    start: datetime
    end: datetime

    @property
    def text(self) -> str:
        """The window in RFC 3339, to the second."""
        return f"{self.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} to {self.end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def parse_time(text: str) -> datetime:
    """An RFC 3339 time stamp of any precision, cut to microseconds."""
    whole, dot, fraction = text.removesuffix("Z").partition(".")
    digits = fraction[:6] if dot else "0"
    return datetime.fromisoformat(f"{whole}.{digits:0<6}").replace(tzinfo=UTC)
