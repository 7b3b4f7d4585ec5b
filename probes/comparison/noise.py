"""Which differences between two revisions are noise: learned by asking the one that serves twice.

In every round the same question goes to the serving revision (the primary), to it again (the secondary), and to the
candidate, as Twitter's Diffy does it. How often the candidate differs from the primary is compared with how often the
secondary does, by Fisher's exact test: a value that changes by itself differs as often in both.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from probes.comparison.differences import Difference, Mark, differences
from probes.comparison.ratio import fisher_exact

CERTAIN = 0.005  # the chance of as many differences by noise alone: 6 of 6 rounds against none is 0.001
STATUS: Mark = ("status", "value")


@dataclass(frozen=True, slots=True)
class Round:
    """What was answered to one question, asked three times in an order by chance."""

    primary: Any
    secondary: Any
    candidate: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the rounds of one question come to."""

    question: str
    rounds: int
    found: tuple[Difference, ...]  # of the candidate, and no noise
    noisy: tuple[Mark, ...]  # where the serving revision differs from itself
    unsteady: str  # why its answers can't be compared with anything; empty when they can

    def named(self) -> dict[str, str]:
        """Every difference in words, by its name in reports and in `[compare] expected`."""
        return {f"{self.question}: {one.name}": f"{self.question}: {one.text}" for one in self.found}


def compare(question: str, rounds: Sequence[Round], volatile: Collection[str] = ()) -> Compared:
    """Hold the candidate's answers against the serving revision's.

    The value of a field or header that `volatile` names (in small letters) is not looked at; that it is there, and of
    which type, is. Without rounds nothing is found, and `unsteady` says so: no evidence is never equality.
    """
    of_candidate: Counter[Mark] = Counter()
    of_secondary: Counter[Mark] = Counter()
    seen: dict[Mark, Difference] = {}
    for one in rounds:
        found = differences(one.primary, one.candidate)
        of_candidate.update(found.keys())
        of_secondary.update(differences(one.primary, one.secondary).keys())
        seen |= found
    total = len(rounds)
    stable = [
        seen[mark]
        for mark, count in of_candidate.items()
        if fisher_exact(count, total, of_secondary[mark], total) <= CERTAIN and not _is_volatile(mark, volatile)
    ]
    return Compared(
        question=question,
        rounds=total,
        found=tuple(stable),
        noisy=tuple(sorted(of_secondary)),
        unsteady=_unsteady(rounds, of_secondary),
    )


def is_decided(rounds: Sequence[Round], volatile: Collection[str] = ()) -> bool:
    """Whether further rounds can't find anything: only what every round shows, and is not noise, is a difference.

    Equal revisions are so asked one round, and stopping changes no finding: see `CERTAIN`.
    """
    if not rounds:
        return False
    left = frozenset.intersection(*(frozenset(differences(one.primary, one.candidate)) for one in rounds))
    noise = {mark for one in rounds for mark in differences(one.primary, one.secondary)}
    return not any(mark not in noise and not _is_volatile(mark, volatile) for mark in left)


def _is_volatile(mark: Mark, volatile: Collection[str]) -> bool:
    where, what = mark
    return what == "value" and where.rpartition(".")[2].removesuffix("[*]").lower() in volatile


def _unsteady(rounds: Sequence[Round], of_secondary: Counter[Mark]) -> str:
    if not rounds:
        return "it was never asked"
    if of_secondary[STATUS]:
        return f"the serving revision answered itself differently in {of_secondary[STATUS]} of {len(rounds)} rounds"
    return ""
