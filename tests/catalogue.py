"""The listings in README, ARCHITECTURE and pages, made from what they list: `python -m tests.catalogue`."""

import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from pathlib import Path

import suites
from gate.check import ATTRIBUTE, Check
from gate.document import SCHEMA
from gate.report.checklist import family_order, owner
from gate.verdict_document import schema
from tests import arrows, incidents
from tests.proof import page, record

ROOT = Path(__file__).resolve().parents[1]


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
    lines = []
    for family, checks in groupby(declared_checks(), key=lambda one: one.family):
        lines += [f"### {family}", "", f"Whom to call: {owner(family)}.", ""]
        lines += ["| check | when it fails, this does not hold | how to look | what to do |", "|---|---|---|---|"]
        for one in checks:
            lines.append(f"| `{one.id}` | {one.requirement} | {one.looking} | {one.remedy.replace('|', '/')} |")
        lines.append("")
    return "\n".join(lines)


COLLECT = """
import json, sys, pytest
class Cases:
    def pytest_collection_finish(self, session):
        from gate.session.case_outcome import RESULT
        rows = []
        for item in session.items:
            result = item.stash[RESULT]
            more = sorted({need for mark in item.iter_markers("also_needs") for need in mark.args})
            check = result.check
            needs = {"needs": sorted(check.needs), "also_needs": more}
            rows.append({"check": check.id, "phase": check.phase, "case": result.case} | needs)
        print("CASES" + json.dumps(rows))
sys.exit(pytest.main(["--collect-only", "-q"], plugins=[Cases()]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case that pytest collects from the suites."""

    check: str
    phase: str
    case: str
    needs: list[str]
    also_needs: list[str]  # beyond its check


@cache
def collected() -> tuple[Case, ...]:
    """Every case of the suites, as pytest collects it."""
    done = subprocess.run([sys.executable, "-c", COLLECT], cwd=ROOT, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("CASES"))
    return tuple(Case(**case) for case in json.loads(line.removeprefix("CASES")))


def render_needs() -> str:
    """`targets/needs.toml`: what each check needs, and what single cases need beyond it."""
    checks = {one.check: one.needs for one in collected()}
    cases = {f"{one.check}[{one.case}]": one.also_needs for one in collected() if one.also_needs}
    lines = ["# What checks and cases need of a target. Made from the declarations: `python -m tests.catalogue`.", ""]
    for table, rows in (("checks", checks), ("cases", cases)):
        lines += [f"[{table}]", *(f"{json.dumps(name)} = {json.dumps(needs)}" for name, needs in rows.items()), ""]
    return "\n".join(lines)


def render_contract() -> str:
    """The contract's own file, for the page of every key."""
    return f"```toml\n{(ROOT / 'targets/contract.toml').read_text(encoding='utf-8')}```\n"


def placed(text: str, name: str, listing: str) -> str:
    """A page with the listing between the markers of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n\n{listing}\n{end}{tail}"


LISTINGS: tuple[tuple[str, str, Callable[[], str]], ...] = (
    ("README.md", "checks", render),
    ("README.md", "proof", lambda: page.render_short(record.read())),
    ("docs/proof.md", "figures", lambda: page.render(record.read())),
    ("docs/runbook.md", "checks", render_runbook),
    ("ARCHITECTURE.md", "arrows", arrows.render),
    ("docs/adding-a-target.md", "contract", render_contract),
    ("docs/incidents.md", "incidents", incidents.render),
)  # a page, the name of a listing in it, and what makes that


def _page(path: str) -> str:
    text = (ROOT / path).read_text(encoding="utf-8")
    for page_of, name, listing in LISTINGS:
        text = placed(text, name, listing()) if page_of == path else text
    return text


PAGES: dict[Path, Callable[[], str]] = {
    **{ROOT / path: partial(_page, path) for path, _, _ in LISTINGS},
    ROOT / "targets/needs.toml": render_needs,
    SCHEMA: lambda: json.dumps(schema(), indent=1) + "\n",
}  # every page with listings, and what makes it as it should be


def renew() -> None:
    """Write every page as it should be; none, if one of them can't be made."""
    for path, text in [(path, make()) for path, make in PAGES.items()]:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    renew()
