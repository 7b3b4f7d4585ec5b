"""The records as `docs/proof.md` shows them, and their short form for the README."""

from collections.abc import Iterable

from tests.proof.record import Record

TITLES = {
    "prove": "Every check is turned by a fault of its own",
    "struck": "Every judgement is needed",
    "mutants": "Changes that no one thought of",
    "beside": "What others catch of the same faults",
    "smokes": "False alarms",
    "hostile": "Behind a proxy that spoils answers",
}


def render(records: Iterable[Record]) -> str:
    """A part a kind of proof, with each round's command, date, commit, figures and lists."""
    by_kind: dict[str, list[Record]] = {}
    for record in records:
        by_kind.setdefault(record.proof.partition(".")[0], []).append(record)
    known = [kind for kind in TITLES if kind in by_kind]
    parts = []
    for kind in [*known, *sorted(by_kind.keys() - TITLES.keys())]:
        parts += [f"## {TITLES.get(kind, kind)}", "", *(line for one in by_kind[kind] for line in _lines(one))]
    return "\n".join(parts)


def _lines(record: Record) -> list[str]:
    head = f"**{record.short}** (`{record.command}`, {record.date}, commit {record.commit}, {record.machine})"
    figures = "; ".join(f"{name}: {value}" for name, value in record.figures.items())
    return [head, "", f"{figures}.", "", *_table(record.rows), *_list(record.said)]


def _table(rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    head, *body = (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
    return [head, f"|{'---|' * len(rows[0])}", *body, ""]


def _list(said: list[str]) -> list[str]:
    return [*(f"* {line}" for line in said), ""] if said else []


def render_short(records: Iterable[Record]) -> str:
    """One line a round."""
    rows = [["what was measured", "command", "date"]]
    rows += [[one.short, f"`{one.command}`", one.date.partition(" ")[0]] for one in records]
    return "\n".join(_table(rows)) if len(rows) > 1 else "Nothing is measured yet.\n"
