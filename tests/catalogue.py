"""The lists of checks in README and runbook, made from the declarations: `python -m tests.catalogue` writes them."""

import importlib
import pkgutil
import tomllib
from itertools import groupby
from pathlib import Path

import suites
from gate.check import ATTRIBUTE, Check
from gate.report.checklist import family_order, owner

ROOT = Path(__file__).parents[1]
LOOKING = ROOT / "docs/looking.toml"  # how to look, by check id
BEGIN, END = "<!-- checks: begin -->", "<!-- checks: end -->"


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


def placed(text: str, listing: str) -> str:
    """A page with the listing between its markers."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{listing}\n{END}{tail}"


def pages() -> dict[Path, str]:
    """Every page that holds a listing, as it should be."""
    listings = {ROOT / "README.md": render(), ROOT / "docs/runbook.md": render_runbook()}
    return {path: placed(path.read_text(encoding="utf-8"), listing) for path, listing in listings.items()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
