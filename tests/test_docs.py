"""The pages say what is so: listings are current, links lead somewhere, commands exist."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.catalogue import declared_checks, pages
from tests.prove.worker import ROOT
from twin.faults.registry import declared

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "reports/README.md"])
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
MAKE = shutil.which("make") or "make"
COMMANDS = re.compile(r"`[^`\n]+`|^make .*$", re.MULTILINE)  # in a line of text, or a line of a block
OWED = {"soak-staging", "day-staging"}  # named as owed by the metrics; they come with the longer phases


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("path", pages(), ids=named)
def test_a_listing_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == pages()[path], "renew it: python -m tests.catalogue"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_command_of_a_page_exists(page: Path) -> None:
    used = set(re.findall(r"\bmake ([a-z-]+)(?=[`\s])", "\n".join(COMMANDS.findall(page.read_text(encoding="utf-8")))))
    assert used - OWED <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_fault_that_a_page_names_can_be_shown(page: Path) -> None:
    faults = re.findall(r"FAULT=([a-z][a-z.-]+\.[a-z-]+)", page.read_text(encoding="utf-8"))
    assert set(faults) <= declared().keys()


def test_the_checklist_page_is_the_gates_checklist() -> None:
    layout = tomllib.loads((ROOT / "gate/checklist.toml").read_text(encoding="utf-8"))
    page = (ROOT / "docs/deployment-checklist.md").read_text(encoding="utf-8")
    for item in [*layout["items"], *layout["metrics"]]:
        checks = ", ".join(f"`{one}`" for one in item["checks"])
        assert f"| {item['title']} | {checks} |" in page, item["key"]


def test_every_check_says_what_to_do() -> None:
    assert not [one.id for one in declared_checks() if not one.remedy]


def test_help_names_every_command() -> None:
    shown = subprocess.run([MAKE, "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in shown.splitlines()} >= TARGETS - {"help"}
