"""What a soak is to do: how many sessions, how long, and how they are spread over the time."""

from dataclasses import dataclass

from probes.soak.held_session import Pace
from probes.soak.ledger import Ledger

STAGGER_SHARE = 6  # opens are spread over this part of the time between two cuts
GRACE_S, GRACE_SHARE = 3.0, 0.01  # after the last age that must be seen: cuts come late, reconnecting takes a moment
SILENCES_S = (30.0, 60.0, 300.0, 600.0, 900.0, 1800.0)  # of an hour: where proxies and gateways are known to cut


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakPlan:
    """How much is held for how long; real seconds (on a twin an hour may take less of them)."""

    duration_s: float  # for which every session is held
    need_s: float  # the age that has to be seen
    sessions: int
    silent: int  # further sessions that say nothing
    pace: Pace
    hour_s: float = 3600.0
    idle_s: float = float("inf")  # how long a session may say nothing without being cut

    @property
    def stagger_s(self) -> float:
        """Over how long the opens are spread."""
        return min(self.pace.planned_cut_s or self.need_s, self.need_s, self.duration_s) / STAGGER_SHARE

    def left_s(self, ledger: Ledger) -> float:
        """How long sessions that open now must be held: what is owed, and in any case until the age was seen."""
        owed = self.duration_s - ledger.held_s
        seen = ledger.exposure.oldest_s >= min(self.need_s, self.duration_s) - 1.0 if ledger.lives else False
        return max(owed, 0.0 if seen else min(self.need_s, self.duration_s)) + max(
            GRACE_S, self.duration_s * GRACE_SHARE
        )

    def silence_s(self, number: int) -> float:
        """How long the n-th silent session says nothing before it asks."""
        return SILENCES_S[number % len(SILENCES_S)] * self.hour_s / 3600
