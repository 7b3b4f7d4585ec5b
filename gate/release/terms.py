"""The terms by which evidence is judged: the contract and profiles in force, nothing from the evidence itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from gate.evidence import HOUR_S
from gate.figures import Accrual
from gate.verdict_document import Document

MOST_AGE = timedelta(days=30)  # how long a pass counts: services are rebuilt, certificates and secrets expire


@dataclass(frozen=True, slots=True)
class Need:
    """A claim that takes longer than one run: its kind, and how many seconds of the service's own time it takes."""

    kind: Literal["window", "exposure"]
    seconds: float
    compressed: bool = False  # whether time may be compressed: only on the embedded twin

    def length(self, accrual: Accrual) -> float:
        """How many seconds of the service's own time an accrual covers; 0 where its time may not be compressed."""
        if accrual.hour_s != HOUR_S and not self.compressed:
            return 0.0
        took = datetime.fromisoformat(accrual.end) - datetime.fromisoformat(accrual.start)
        return took.total_seconds() * HOUR_S / accrual.hour_s


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run must be for its passes to count."""

    profiles: frozenset[str]  # the target's own: with and without permission to write
    needs: Mapping[str, Need] = field(default_factory=dict)  # by check id
    promises: str = ""  # SHA-256 of what the target's file promises; empty: any

    def objection(self, document: Document, now: datetime) -> str:
        """Why a run's passes do not count here; empty if they do. Its failures always count."""
        weakened = [f"{one.name} ({one.origin})" for one in document.overrides if one.weakens]
        if document.interrupted:
            return f"was cut short: {document.interrupted}"
        if document.quick:
            return "was a quick run, with smaller samples"
        if weakened:
            return f"was weakened by {', '.join(weakened)}"
        return self._other_question(document) or _too_old(document, now)

    def _other_question(self, document: Document) -> str:
        if document.profile not in self.profiles:
            return f"had the profile {document.profile!r}, but this target's is {' or '.join(sorted(self.profiles))}"
        if self.promises and document.promises and document.promises != self.promises:
            return "was judged by another contract, sizes or deadlines than the target's file has now: verify again"
        return ""

    def remark(self, document: Document) -> str:
        """What is worth a note about a run, although its passes count; empty if there is nothing."""
        if self.promises and not document.promises:
            return "does not say by which contract it was judged: an earlier version of the suite made it"
        return ""


def _too_old(document: Document, now: datetime) -> str:
    if now - datetime.fromisoformat(document.started) > MOST_AGE:
        return f"began on {document.started[:10]}, and a pass counts for {MOST_AGE.days} days"
    return ""
