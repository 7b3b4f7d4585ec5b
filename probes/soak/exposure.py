"""What follows from the sessions held: closes by class, a bound on the hazard, and what remains unproved."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from probes.statistics.exact import Rate, hazard_upper_bound, survival
from probes.websocket.closes import CloseClass, Cluster, find_cluster

HOUR_S = 3600.0
ENDS_WELL = frozenset({CloseClass.OURS, CloseClass.PLANNED_CUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One connection's life, from its welcome to its end."""

    line: int  # the user's session over all its connections
    number: int  # which of its connections, from 1
    opened_at: float  # unix seconds
    age_s: float
    session_age_s: float  # since the first connection of this session opened
    close: CloseClass
    detail: str
    silent_s: float = 0.0  # the longest silence on it, if it is silent on purpose
    outlived_token: bool = False
    trace: str = ""  # of an early end: the server's own lines are found by it

    @property
    def early(self) -> bool:
        """Whether it ended neither by our goodbye nor at the planned cut."""
        return self.close not in ENDS_WELL


@dataclass(frozen=True, slots=True)
class Exposure:
    """Connections that were held, and what follows from them."""

    lives: Sequence[Life]

    @property
    def hours(self) -> float:
        """Connection-hours observed."""
        return sum(life.age_s for life in self.lives) / HOUR_S

    @property
    def early(self) -> list[Life]:
        """Connections that ended early."""
        return [life for life in self.lives if life.early]

    @property
    def first_early(self) -> list[Life]:
        """For each session, the connection that ended early first: what ends it again and again is one cause."""
        firsts: dict[int, Life] = {}
        for life in sorted(self.early, key=lambda life: life.opened_at + life.age_s):
            firsts.setdefault(life.line, life)
        return list(firsts.values())

    @property
    def closes(self) -> Counter[str]:
        """Closes by class."""
        return Counter(str(life.close) for life in self.lives)

    @property
    def oldest_s(self) -> float:
        """The oldest age that was observed."""
        return max((life.age_s for life in self.lives), default=0.0)

    @property
    def cluster(self) -> Cluster | None:
        """An age of the connection at which the early closes cluster."""
        return find_cluster([life.age_s for life in self.first_early])

    @property
    def session_cluster(self) -> Cluster | None:
        """An age of the session, over its connections, at which the early closes cluster."""
        return find_cluster([life.session_age_s for life in self.first_early])

    @property
    def moment(self) -> Cluster | None:
        """A moment (unix time) at which the early closes cluster: one event, not an age."""
        first = min((life.opened_at for life in self.lives), default=0.0)
        # An age may spread by a share of its value, which has no meaning for a moment.
        found = find_cluster([life.opened_at + life.age_s - first for life in self.first_early], spread_share=0.0)
        return Cluster(first + found.age_s, found.count) if found else None

    def hazard_bound(self, confidence: float = 0.95) -> Rate:
        """Upper bound on early ends per connection-hour."""
        return hazard_upper_bound(len(self.early), self.hours, confidence)

    def survival_bound(self, confidence: float = 0.95, hours: float = 1.0) -> float:
        """Lower bound on the probability of living that long, if the hazard is the same at every age."""
        return survival(self.hazard_bound(confidence), hours)

    def sentence(self) -> str:
        """In one sentence, what this does not prove."""
        return (
            f"No connection was older than {self.oldest_s:.0f} s, so nothing is known about later ages; at a constant "
            f"hazard, {self.hours:.2f} connection-hours with {len(self.early)} early ends bound the chance of "
            f"living an hour only to at least {self.survival_bound():.2f} (95 %)."
        )
