"""The listings in README, runbook and ARCHITECTURE, made from what they list: `python -m tests.catalogue`."""

import importlib
import pkgutil
import tomllib
from itertools import groupby
from pathlib import Path

import suites
from gate.check import ATTRIBUTE, Check
from gate.report.checklist import family_order, owner
from tests import arrows

ROOT = Path(__file__).parents[1]
LOOKING = ROOT / "docs/looking.toml"  # how to look, by check id


def declared_checks() -> list[Check]:
    """Every check that the suites declare, in the order in which families run."""
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(suites.__path__):
        loaded = importlib.import_module(f"suites.{module.name}")
        for value in vars(loaded).values():
            declared = getattr(value, ATTRIBUTE, None)
            if isinstance(declared, Check):
                found[declared.id] = declared
    return sorted(found.values(), key=lambda one: family_order(one.family))


def render() -> str:
    """The list as Markdown tables, one a family."""
    lines = []
    for family, checks in groupby(declared_checks(), key=lambda one: one.family):
        lines += [f"**{family}**", "", "| id | holds when | needs |", "|---|---|---|"]
        for one in checks:
            phase = "" if one.phase == "smoke" else f" ({one.phase})"
            lines.append(f"| `{one.id}`{phase} | {one.requirement} | {' '.join(sorted(one.needs))} |")
        lines.append("")
    return "\n".join(lines)


def render_runbook() -> str:
    """What a failure of each check means, how to look, what to do, and whom to call: by family."""
    looking = tomllib.loads(LOOKING.read_text(encoding="utf-8"))
    lines = []
    for family, checks in groupby(declared_checks(), key=lambda one: one.family):
        lines += [f"### {family}", "", f"Whom to call: {owner(family)}.", ""]
        lines += ["| check | when it fails, this does not hold | how to look | what to do |", "|---|---|---|---|"]
        for one in checks:
            lines.append(
                f"| `{one.id}` | {one.requirement} | {looking.get(one.id, '')} | {one.remedy.replace('|', '/')} |"
            )
        lines.append("")
    return "\n".join(lines)


def placed(text: str, name: str, listing: str) -> str:
    """A page with the listing between the markers of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n\n{listing}\n{end}{tail}"


def pages() -> dict[Path, str]:
    """Every page that holds a listing, as it should be."""
    listings = {
        ROOT / "README.md": ("checks", render()),
        ROOT / "docs/runbook.md": ("checks", render_runbook()),
        ROOT / "ARCHITECTURE.md": ("arrows", arrows.render()),
    }
    return {path: placed(path.read_text(encoding="utf-8"), *listing) for path, listing in listings.items()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
