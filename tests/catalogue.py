"""The list of checks in the README, made from the declarations: `python -m tests.catalogue` writes it anew."""

import importlib
import pkgutil
from itertools import groupby
from pathlib import Path

import suites
from gate.check import ATTRIBUTE, Check
from gate.checklist import family_order

README = Path(__file__).parents[1] / "README.md"
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


def placed(text: str) -> str:
    """A page with the list between its markers."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{render()}\n{END}{tail}"


if __name__ == "__main__":
    README.write_text(placed(README.read_text(encoding="utf-8")), encoding="utf-8")
