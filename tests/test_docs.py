"""The pages say what is so: listings are current, links lead somewhere, commands and options exist."""

import importlib.util
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from gate.check import NEEDS
from targets.deviations import ABSENT
from targets.profiles import load_required
from tests.catalogue import PAGES as LISTINGS
from tests.catalogue import declared_checks
from tests.pages import FENCE, PAGES, SPAN, Makefile, blocks, commands, module_run, named, options_in, understood
from tests.standing import ROOT
from twin.switching.registry import declared

MAKEFILE = Makefile()
MAKE = shutil.which("make") or "make"
CASES = pytest.mark.parametrize("page", PAGES, ids=named)
PHASES = ("smoke", "soak", "day", "candidate")
OF_OTHERS = {
    "--to-latest",
    "--limit",
    "--only-binary",
    "--require-hashes",
    "--auto-iam-authn",
    "--private-ip",
    "--set-cloudsql-instances",
    "--worker-pool",
}  # gcloud's, pip's and the Auth Proxy's, alone in a line of text


@pytest.mark.parametrize("path", LISTINGS, ids=named)
def test_a_listing_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == LISTINGS[path](), "renew it: python -m tests.catalogue"


@CASES
def test_every_make_command_exists_and_reads_the_variables_it_is_given(page: Path) -> None:
    for words in commands(page):
        if words[0] != "make" or len(words) == 1:
            continue
        given = [word.partition("=")[0] for word in words[1:] if "=" in word]
        wanted = [word for word in words[1:] if "=" not in word and word not in {"...", "…"}]
        assert set(wanted) <= MAKEFILE.targets, words
        for target in wanted:
            assert set(given) <= MAKEFILE.reads(target), words


def test_what_a_target_reads_is_found_through_other_variables() -> None:
    assert {"DURATION", "RESUME", "EVIDENCE", "KNOWN", "CUT", "REPORTS"} <= MAKEFILE.reads("soak-local")
    assert not {"DURATION", "DISCARD"} & MAKEFILE.reads("verify-local")


@CASES
def test_every_module_that_is_run_exists_and_knows_its_options(page: Path) -> None:
    for words in commands(page):
        module = module_run(words)
        if not module:
            continue
        assert importlib.util.find_spec(module), words
        if module in {"pytest", "twin", "commands", "tests.prove"}:
            verb = [word for word in words[3:4] if module in {"twin", "commands"} and not word.startswith("-")]
            assert options_in(words) <= understood(module, *verb), words


@CASES
def test_an_option_that_stands_alone_is_one_of_ours(page: Path) -> None:
    ours = understood("pytest") | understood("commands", "gate") | understood("twin", "exec")
    alone = {one for words in commands(page) if words[0].startswith("--") for one in options_in(words)}
    assert alone - OF_OTHERS <= ours


@CASES
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@CASES
def test_every_fault_that_a_page_names_can_be_shown(page: Path) -> None:
    faults = re.findall(r"FAULT=([a-z][a-z.-]+\.[a-z-]+)", page.read_text(encoding="utf-8"))
    assert set(faults) <= declared().keys()


@CASES
def test_every_check_that_a_page_names_is_declared(page: Path) -> None:
    ids = {one.id for one in declared_checks()}
    families = "|".join({one.partition(".")[0] for one in ids})
    named = {
        word
        for word in SPAN.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
        if re.fullmatch(rf"({families})\.[a-z0-9-]+", word) and not re.search(r"\.(py|md|toml|sql)$", word)
    }
    invented = set(re.findall(r'@check\(\s*"([^"]+)"', page.read_text(encoding="utf-8")))
    faults = declared().keys()  # their names have the same form
    assert named - ids - invented - ABSENT.keys() - faults == set()


@CASES
def test_every_block_of_toml_or_yaml_can_be_read(page: Path) -> None:
    for block in blocks(page):
        if block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "yaml":
            assert yaml.safe_load(block.text), block.text


def test_the_checklist_page_is_the_gates_checklist() -> None:
    layout = tomllib.loads((ROOT / "gate/report/checklist.toml").read_text(encoding="utf-8"))
    page = (ROOT / "docs/deployment-checklist.md").read_text(encoding="utf-8")
    told = []
    for item in [*layout["items"], *layout["metrics"]]:
        checks = ", ".join(f"`{one}`" for one in item["checks"])
        told.append(page.find(f"| {item['title']} | {checks} |"))
        assert told[-1] > page.find(f"## {item.get('part', 'Success metrics')}") > 0, item["key"]
    assert told == sorted(told), "the page's order is the report's"
    rows = [line for line in page.splitlines() if line.startswith("| ") and "covered by" not in line]
    assert len(rows) == len(told), "a row that the gate does not know"
    for owed in (one for item in layout["metrics"] for one in item.get("owed", [])):
        assert f"| {owed['text']} |" in page


def test_the_runbook_has_every_check_that_a_profile_requires() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    profiles = tomllib.loads((ROOT / "targets/profiles.toml").read_text(encoding="utf-8"))
    required = {one for profile in profiles for phase in PHASES for one in load_required(profile, phase, offers=NEEDS)}
    assert len(required) > 50
    assert not [one for one in sorted(required) if f"\n| `{one}` | " not in runbook]


def test_every_check_says_what_to_do() -> None:
    assert not [one.id for one in declared_checks() if not one.remedy]


def test_the_ten_lines_for_github_name_inputs_that_exist_and_all_that_are_required() -> None:
    workflow = yaml.safe_load((ROOT / "deploy/github/netra-verify.yml").read_text(encoding="utf-8"))
    inputs = workflow[True]["workflow_call"]["inputs"]  # YAML 1.1 reads `on` as true
    example = next(block for block in blocks(ROOT / "docs/pipelines.md") if "uses:" in block.text)
    given = yaml.safe_load(example.text)["jobs"]["smoke"]["with"].keys()
    assert given <= inputs.keys()
    assert {name for name, one in inputs.items() if one.get("required")} <= given


def test_help_names_every_command() -> None:
    shown = subprocess.run([MAKE, "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  ([a-z-]+) ", shown, re.MULTILINE)) == MAKEFILE.targets


def test_help_fits_a_terminal_and_begins_with_where_to_start() -> None:
    shown = subprocess.run([MAKE, "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not [line for line in shown.splitlines() if len(line) >= 100]
    assert shown.index("Start here") < shown.index("verify-local")


def test_the_runbook_says_how_to_look_for_every_check() -> None:
    assert not [one.id for one in declared_checks() if "|" in one.looking or len(one.looking) < 20]
