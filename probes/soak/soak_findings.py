"""What a soak's ledger shows: which promises were broken, at which age, and how much of the hour was observed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from probes.problem import Problem
from probes.soak.exposure import Exposure, Life
from probes.soak.ledger import Ledger
from probes.soak.soak_plan import SoakPlan
from probes.websocket.closes import SPREAD_S, CloseClass, Cluster

SAID = {
    "never opened": "sessions were never opened",
    "not back": "sessions did not come back",
    "state lost": "sessions came back without their state",
    "wrong user": "sessions were welcomed as another user",
    "message lost": "sessions lost a message",
    "message doubled": "sessions had a message doubled",
    "another's message": "sessions received another user's message",
    "no message": "sessions received something that is not a message",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """The ledger, interpreted."""

    plan: SoakPlan
    ledger: Ledger

    @property
    def exposure(self) -> Exposure:
        """Connections of sessions that talk."""
        return Exposure([life for life in self.ledger.exposure.lives if not self._silent(life)])

    @property
    def silent(self) -> Exposure:
        """Connections of sessions that say nothing."""
        return Exposure([life for life in self.ledger.exposure.lives if self._silent(life)])

    @property
    def cut_while_silent(self) -> list[Life]:
        """Connections that ended early after less silence than they are promised to survive."""
        return [life for life in self.silent.early if life.silent_s < self.plan.idle_s]

    def _silent(self, life: Life) -> bool:
        return life.silent_s > 0

    @property
    def broken(self) -> list[str]:
        """Every promise that was broken, in words."""
        broken = []
        if self.exposure.early:  # what ends sessions that talk ends silent ones too: one finding, not two
            broken.append(self._early(Exposure([*self.exposure.lives, *self.silent.lives])))
        elif self.cut_while_silent:
            broken.append(self._idle())
        for kind, count in self.ledger.breaches.most_common():
            lines = len(self.ledger.breach_lines[kind])
            first = next((detail for example, detail in self.ledger.examples if example == kind), "")
            broken.append(f"{lines} {SAID[kind]} ({count} times); first: {first}")
        return broken

    @property
    def events(self) -> int:
        """How often a promise was broken."""
        return len(self.exposure.early) + len(self.cut_while_silent) + self.ledger.breaches.total()

    def _early(self, exposure: Exposure) -> str:
        early = exposure.early
        kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(str(life.close) for life in early).most_common())
        ages = sorted(life.age_s for life in early)
        spread = f"at ages from {self.age(ages[0])} to {self.age(ages[-1])}"
        return (
            f"{len(early)} connections ended early ({kinds}), {self._where(exposure) or spread}; "
            f"first: {min(early, key=lambda life: life.opened_at + life.age_s).detail}"
        )

    def _where(self, exposure: Exposure) -> str:
        """At which moment, age of the connection or age of the session they cluster: where most of those there ended.

        A connection's cut-off ends (nearly) every connection that reaches its age, a session's every session: by their
        number alone the two can't be distinguished if sessions are cut at regular times.
        """
        moment, age, of_session = exposure.moment, exposure.cluster, exposure.session_cluster
        if moment and moment.count > max(cluster.count if cluster else 0 for cluster in (age, of_session)):
            return f"{moment.count} sessions in one second: one event (a restart, a lost instance), no cut-off"
        share = _share(of_session, self._session_ages(exposure)) if of_session else 0.0
        if age and share <= _share(age, [life.age_s for life in exposure.lives]):
            return f"{age.count} sessions at the age of {self.age(age.age_s)}: a cut-off"
        if of_session:
            at = self.age(of_session.age_s)
            return f"{of_session.count} sessions when they were {at} old, over their reconnects"
        return ""

    def _session_ages(self, exposure: Exposure) -> list[float]:
        oldest: dict[int, float] = {}
        for life in exposure.lives:
            oldest[life.line] = max(life.session_age_s, oldest.get(life.line, 0.0))
        return list(oldest.values())

    def _idle(self) -> str:
        early = self.cut_while_silent
        shortest = min(life.silent_s for life in early)
        lived = max(
            (life.silent_s for life in self.silent.lives if not life.early and life.silent_s < shortest), default=0
        )
        dead = sum(life.close is CloseClass.PING_TIMEOUT for life in early)
        how = "stopped answering" if dead * 2 > len(early) else "were cut"
        return (
            f"an idle cut-off: {len(early)} connections that said nothing for {self.age(shortest)} or longer {how}"
            f"{f', {self.age(lived)} of silence were survived' if lived else ''}; first: {early[0].detail}"
        )

    @property
    def seen_s(self) -> float:
        """The oldest age of a connection that talks; a planned cut counts as the age at which it is due."""
        due = self.plan.pace.planned_cut_s
        cut = any(life.close is CloseClass.PLANNED_CUT for life in self.exposure.lives)
        return max(self.exposure.oldest_s, due or 0.0 if cut else 0.0)

    @property
    def owed(self) -> Problem:
        """What is still to be shown before the promise can count as kept."""
        plan, ledger = self.plan, self.ledger
        if plan.duration_s < plan.need_s:
            return f"bounded so far: {plan.duration_s:g} s of the promised {plan.need_s:g} s were asked for"
        if ledger.held_s < plan.duration_s - 1.0:
            return f"bounded so far: sessions were held for {ledger.held_s:.0f} s of {plan.duration_s:g} s"
        if self.seen_s < plan.need_s:
            return f"bounded so far: no connection reached the age of {plan.need_s:g} s, the oldest {self.seen_s:.0f} s"
        return ""

    @property
    def cuts_a_session(self) -> tuple[int, int]:
        """The fewest and the most planned cuts that a session of the last run lived through."""
        cuts = Counter(life.line for life in self.exposure.lives if life.close is CloseClass.PLANNED_CUT)
        lines = {life.line for life in self.exposure.lives if life.line >= self.ledger.first_line}
        counted = [cuts[line] for line in lines] or [0]
        return min(counted), max(counted)

    def age(self, seconds: float) -> str:
        """An age in words; if time is compressed, also what it stands for."""
        if self.plan.hour_s == 3600:  # noqa: PLR2004 - an hour's seconds: not compressed
            return f"{seconds:.0f} s"
        return f"{seconds:.1f} s (stands for {seconds * 3600 / self.plan.hour_s:.0f} s)"

    def by_age(self, buckets: int = 12) -> list[dict[str, float]]:
        """How many connections were seen at each age, and how many ended early from there to the next."""
        width = self.plan.need_s / buckets
        lives = self.exposure.lives
        return [
            {
                "age_s": round(width * number, 3),
                "seen": sum(life.age_s >= width * number for life in lives),
                "ended_early": sum(
                    life.early and width * number <= life.age_s < width * (number + 1) for life in lives
                ),
            }
            for number in range(buckets + 1)
        ]


def _share(cluster: Cluster, ages_s: Sequence[float]) -> float:
    """The share of those as old as the cluster that ended in it."""
    reached = sum(age >= cluster.age_s - SPREAD_S for age in ages_s)
    return cluster.count / max(reached, 1)
