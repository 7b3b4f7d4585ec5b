"""The catalogue of others' incidents: `docs/incidents.toml`, read, and as the tables of `docs/incidents.md`."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tests.standing import ROOT

CATALOGUE = ROOT / "docs/incidents.toml"
UNSEEN, OWED = "not observable from outside because ", "owed: "
Kind = Literal["caught", "owed", "not observable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One report: what users saw, and the check and the fault that show it, or why none does."""

    id: str
    source: str  # owner/repository#number
    subject: str  # of which program or library
    saw: str
    seen: str = ""  # the check, or its case
    fault: str = ""
    why: str = ""

    @property
    def kind(self) -> Kind:
        """Whether a check sees it. Raises ValueError where the entry says neither how nor why not."""
        if self.seen and self.fault and not self.why:
            return "caught"
        if self.why.startswith(OWED) and not self.seen:
            return "owed"
        if self.why.startswith(UNSEEN) and not self.seen:
            return "not observable"
        raise ValueError(f"{self.id} needs `seen` and `fault`, or a `why` that begins with {UNSEEN!r} or {OWED!r}")

    @property
    def link(self) -> str:
        """The report's address, as Markdown."""
        repository, _, number = self.source.partition("#")
        return f"[{self.source}](https://github.com/{repository}/issues/{number})"


def read() -> list[Incident]:
    """Every incident, in the file's order. Raises TypeError for a key that is missing or not known."""
    return [Incident(**row) for row in tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["incident"]]


def render() -> str:
    """The counts, and a table of each kind."""
    of: dict[Kind, list[Incident]] = {"caught": [], "owed": [], "not observable": []}
    for one in read():
        of[one.kind].append(one)
    faults = len({one.fault for one in of["caught"]})
    said = f"{sum(map(len, of.values()))} reports: {len(of['caught'])} caught, by {faults} faults; "
    said += f"{len(of['owed'])} owed; {len(of['not observable'])} not observable from outside."
    caught = [(one, f"`{one.seen}`", one.fault) for one in of["caught"]]
    owed = [(one, one.why.removeprefix(OWED)) for one in of["owed"]]
    unseen = [(one, one.why.removeprefix(UNSEEN)) for one in of["not observable"]]
    tables = [
        _table("Caught", ("check", "fault"), caught),
        _table("Owed", ("the check that it would take",), owed),
        _table("Not observable from outside", ("because",), unseen),
    ]
    return "\n".join([said, "", *tables])


def _table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[Incident, *tuple[str, ...]]]) -> str:
    head = ("report", "of", "what users saw", *columns)
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {one.link} | {one.subject} | {one.saw} | {' | '.join(more)} |" for one, *more in rows]
    return "\n".join([*lines, ""])
