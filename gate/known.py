"""Accepted failures: whether one is still in force, and how a verdict states it. See `gate.known_file`."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from gate.outcomes import Outcome
from gate.verdict_document import KnownFailure, KnownState

MOST_AHEAD = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One accepted failure."""

    name: str  # "threads.metadata[1 MiB]", or "threads.deleted" for a check without cases
    owner: str
    reason: str
    expires: date
    expired: bool = False  # shown, but no longer accepted

    def on(self, today: date) -> "Known":
        """The same on a later day: it may have expired since it was read."""
        return replace(self, expired=self.expired or self.expires < today)

    def in_document(self, outcome: Outcome | None) -> KnownFailure:
        """The known failure as a verdict states it, given its case's outcome (None: it did not run)."""
        state = "expired" if self.expired else STATES.get(outcome, "not seen")
        return KnownFailure(
            name=self.name, owner=self.owner, reason=self.reason, expires=self.expires.isoformat(), state=state
        )


STATES: dict[Outcome | None, KnownState] = {Outcome.FAILED: "still fails", Outcome.PASSED: "no longer fails"}


def in_force(expires: date, *, listed: date, today: date) -> bool:
    """Whether a listed failure is accepted today: not expired, and not dated too far ahead."""
    return today <= expires <= listed + MOST_AHEAD
