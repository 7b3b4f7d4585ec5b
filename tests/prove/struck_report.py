"""What `make struck` found: judgements that a fault proves, those listed with a reason, and those that are neither."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from tests.proof.record import Figures
from tests.prove.judgements import Site
from tests.prove.redundant import KINDS, TABLE, listed, stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of the faults that were shown."""

    sites: Mapping[str, Site]
    shown: Mapping[str, Mapping[str, Any]]  # by fault, the sites on which a case ended that it must turn
    proved: frozenset[str]
    asked: int
    whole: bool  # every fault was shown: what none reached is known

    @property
    def reached(self) -> frozenset[str]:
        """The judgements on which a case ended."""
        return frozenset(site for ended in self.shown.values() for site in ended)

    @property
    def judgements(self) -> frozenset[str]:
        """Those that this run says something about: all there are, or those that a part of the faults reached."""
        every = frozenset(site.id for site in self.sites.values() if site.judges)
        return every | self.reached if self.whole else self.reached

    @property
    def unproved(self) -> list[str]:
        """Reached, caught all the same without it, and not listed."""
        return sorted(self.reached - self.proved - listed().keys())

    @property
    def unreached(self) -> list[str]:
        """Reached by no fault, and not listed."""
        return sorted(self.judgements - self.reached - listed().keys())

    @property
    def stale(self) -> list[str]:
        """Listed, and proved or gone."""
        return stale(self.sites, self.proved)

    @property
    def text(self) -> str:
        """The sentence that begins a record."""
        return f"{len(self.reached & self.proved)} of {len(self.judgements)} judgements are proved by a fault"

    @property
    def figures(self) -> Figures:
        """How many of what."""
        kinds = Counter(one.kind for one in listed().values())
        found: Figures = {"faults shown": len(self.shown), "faults asked for": self.asked}
        found |= {"judgements": len(self.judgements), "reached": len(self.reached)}
        found["proved"] = len(self.reached & self.proved)
        return found | {f"listed, {KINDS[kind]}": number for kind, number in sorted(kinds.items())}

    @property
    def said(self) -> list[str]:
        """A line for each judgement that is neither proved nor listed."""
        caught = [(site, len([ended for ended in self.shown.values() if site in ended])) for site in self.unproved]
        lines = [f"`{site}`: caught without it under {number}" for site, number in caught]
        return lines + [f"`{site}`: no fault reaches it" for site in self.unreached]

    def show(self, console: Console) -> None:
        """Name every judgement that is neither proved nor listed, and every line of the list that is out of date."""
        for site in self.unproved:
            by = sorted(fault for fault, ended in self.shown.items() if site in ended)
            console.print(f"nothing proves {self.sites[site].place} ({site}): caught without it: {by}", markup=False)
        for site in self.unreached:
            console.print(f"no fault reaches {self.sites[site].place} ({site})", markup=False)
        for site in self.stale:
            console.print(f"{TABLE.name} lists {site}, which a fault proves now, or which is gone", markup=False)
        console.print(f"{self.text}; {len(self.shown)} of {self.asked} faults shown")
