"""A second team's service, which nothing here was written for, is judged by one TOML, made as the page says."""

import os
import re
import signal
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pages import FENCE, Block
from tests.standing import ROOT
from tests.system.running import LONG_S, assert_go, clean_environment, verdict_in
from tests.system.second_service.faults import FAULTS
from tests.system.second_team import Team, notes_beside
from tests.system.waiting import HANGS_S

PAGE = ROOT / "docs/adding-a-target.md"
WALK = re.compile(r"<!-- walk: begin -->(.*)<!-- walk: end -->", re.DOTALL)
HEADER = re.compile(r"^(\[+[^\]\n]+\]+)$", re.MULTILINE)
HOLDS = "tests.system.second_team"
SHELL = "/bin/sh"
pytestmark = pytest.mark.slow
# What each fault must turn red, by the suite's own checks or by the team's.
TURNS: Mapping[str, str] = {
    "everybodys-notes": "threads.isolation[other user]",
    "removed-notes-too": "threads.deleted",
    "unordered": "threads.order",
    "create-forgets": "threads.create",
    "attributes-must-be-objects": "threads.metadata[sql-null]",
    "any-audience": "auth.refuses[wrong audience]",
    "tokens-never-end": "auth.refuses[expired]",
    "algorithm-by-header": "auth.refuses[HS-RS confusion]",
    "counts-of-boot": "health.honest",
    "tells-the-statement": "threads.errors-clean[no token]",
    "limits-as-text": "notes.limits",
    "version-unknown": "notes.version",
    "slow-pages": "notes.quick",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The page's way before its last command: what `make target` wrote, the file at the end, where the service is."""

    first: str
    last: str
    url: str
    folder: Path
    judge: str


def blocks() -> list[Block]:
    found = WALK.search(PAGE.read_text(encoding="utf-8"))
    assert found
    return [Block(*one.groups()) for one in FENCE.finditer(found[1])]


def replace_sections(text: str, block: str) -> str:
    """A block stands for the sections of its name; `[[checks]]`, and a section that is not there yet, come last."""
    for header, body in sections(block):
        old = next((one for one in sections(text) if one[0] == header and not header.startswith("[[")), None)
        new = f"{header}\n{body.strip()}\n\n"
        text = text.replace("".join((old[0], old[1])), new) if old else f"{text.rstrip()}\n\n{new}"
    return text


def sections(text: str) -> list[tuple[str, str]]:
    parts = HEADER.split(text)
    return list(zip(parts[1::2], parts[2::2], strict=True))


@contextmanager
def held(command: str) -> Iterator[None]:
    """A command that runs until Ctrl-C, in a session of its own."""
    words = [SHELL, "-c", command]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=ROOT, start_new_session=True, stdin=pipe, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)


def typed(command: str) -> tuple[int, str]:
    done = subprocess.run(
        [SHELL, "-c", command],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    with tempfile.TemporaryDirectory(prefix="netra-walk-") as name:
        commands = [one.text.replace(".notes", name).strip() for one in blocks() if not one.language]
        assert HOLDS in commands[0]
        environment = Path(name) / "environment"
        with held(commands[0].replace(".venv/bin/python", f"exec {ROOT}/.venv/bin/python")):
            limit = time.monotonic() + HANGS_S
            while not environment.exists() and time.monotonic() < limit:
                time.sleep(0.05)
            code, output = typed(commands[1])
            assert code == 0, output
            file = Path(name) / "notes.toml"
            first = file.read_text(encoding="utf-8")
            last = first
            for block in blocks():
                last = replace_sections(last, block.text) if block.language == "toml" else last
            file.write_text(last, encoding="utf-8")
            url = re.search(r"NOTES=(\S+)", environment.read_text(encoding="utf-8"))
            assert url
            yield Walk(first=first, last=last, url=url[1], folder=Path(name), judge=f". {environment}\n{commands[2]}")


def test_the_page_leads_from_an_empty_file_to_go(walk: Walk) -> None:
    assert len([one for one in blocks() if not one.language]) == 3
    code, output = typed(walk.judge)
    verdict = verdict_in(walk.folder / "reports")
    required = {row["name"]: row for row in verdict["checks"] if row["required"]}
    assert_go(code, walk.folder / "reports", output)
    assert {
        "notes.limits",
        "notes.version",
        "notes.quick",
        "threads.values",
        "auth.refuses[HS-RS confusion]",
    } <= required.keys()
    lacking = {row["id"] for row in verdict["checks"] if row["outcome"] == "NOT_APPLICABLE"}
    assert {"websocket.connects", "observability.metrics", "logs.zero-500", "release.revision"} <= lacking


def test_what_the_first_file_says_is_what_the_page_keeps(walk: Walk) -> None:
    """What was seen is right: of all values that were found out, the page corrects none."""
    seen, kept = (tomllib.loads(text)["contract"] for text in (walk.first, walk.last))
    wrong = [
        f"{section}.{key}"
        for section, values in seen.items()
        for key, value in values.items()
        if not isinstance(value, dict) and kept[section].get(key) != value
    ]
    assert wrong == []
    assert seen["threads"]["one"].items() <= kept["threads"]["one"].items()
    assert seen["database"]["layout"].items() <= kept["database"]["layout"].items()
    assert "# ? issuer" in walk.first


def test_ten_faults_and_three_of_the_teams_own_checks_are_shown() -> None:
    assert FAULTS.keys() == TURNS.keys()
    assert len([name for name in TURNS.values() if name.startswith("notes.")]) == 3


@pytest.mark.parametrize("fault", TURNS)
def test_a_fault_of_the_second_service_is_no_go(walk: Walk, fault: str, tmp_path: Path) -> None:
    with notes_beside(fault) as team:
        code, output = judged(walk, team, tmp_path, TURNS[fault])
    rows = {row["name"]: row for row in verdict_in(tmp_path / "reports")["checks"]}
    row = rows[TURNS[fault]]
    assert (code, row["outcome"]) == (1, "FAILED"), output
    assert row["actual"]
    assert row["remedy"]


def judged(walk: Walk, team: Team, folder: Path, case: str) -> tuple[int, str]:
    (folder / "notes.toml").write_text(walk.last.replace(walk.url, team.url), encoding="utf-8")
    command = [
        f"{ROOT}/.venv/bin/python",
        "-m",
        "gate.session",
        "-c",
        "pytest.ini",
        "--target=notes",
        f"--targets-dir={folder}",
        f"--report-dir={folder / 'reports'}",
        "--quick",
        "--verdict-only",
        f"--check={case}",
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environment() | team.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    return done.returncode, done.stdout
