"""`python -m commands gate` as a user runs it: exit codes, what it writes, and one paragraph for a mistake."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gate.outcomes import Outcome
from gate.release.store import Store, StoreError
from targets.profiles import load_required
from tests.gate.release.stores import stored
from tests.system.waiting import HANGS_S

ROOT = Path(__file__).resolve().parents[2]


def command(*words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "commands", "gate", *words],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANGS_S,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of the export target, whose profile has no longer phases: one that passed, and an older one that failed."""
    folder = tmp_path_factory.mktemp("evidence")
    required = load_required("export", "smoke")
    cases = {(check, case): Outcome.PASSED for check, cases in required.items() for case in cases or ("",)}
    worse = cases | {("logs.zero-500", ""): Outcome.FAILED}
    for document in (
        stored(worse, target="export", profile="export", revision="rev-0"),
        stored(cases, target="export", profile="export", at_h=5),
    ):
        Store(str(folder)).put(document)
    return folder


def test_the_newest_revision_is_judged_and_reported(evidence: Path, tmp_path: Path) -> None:
    code, output = command("--target=export", f"--evidence={evidence}", f"--report-dir={tmp_path}")
    assert code == 0, output
    assert "VERDICT: GO revision=rev-1 target=export exit_code=0" in output
    folder = (tmp_path / "latest").resolve()
    assert {"verdict.json", "report.html", "summary.md", "junit.xml", "metrics.openmetrics"} <= {
        path.name for path in folder.iterdir()
    }
    document = json.loads((folder / "verdict.json").read_text())
    assert document["phase"] == "gate"
    assert (evidence / "export" / document["run_id"] / "verdict.json").exists()
    code, output = command(f"--rejudge={folder}")
    assert (code, "VERDICT: GO" in output) == (0, True), output


def test_a_revision_can_be_named_and_a_run_discarded(evidence: Path, tmp_path: Path) -> None:
    words = ("--target=export", f"--evidence={evidence}", f"--report-dir={tmp_path}")
    assert command(*words, "--revision=rev-0")[0] == 1
    run_id, newer, *_ = sorted(path.name for path in (evidence / "export").iterdir())
    killed = evidence / "export" / "20260101T000000Z-aaaaaa" / "begun.json"
    killed.parent.mkdir()
    killed.write_text("{}")
    assert command(*words, f"--discard={run_id}")[0] == 4
    typo = f"{run_id[:-1]}x"
    code, output = command(*words, "--discard", run_id, typo, "--because=x", "--owner=ada")
    assert (code, f"did you mean {run_id}?" in output, newer in output) == (4, True, True), output
    assert not (evidence / "export" / "discarded").exists(), "nothing, not even the run that is there"
    code, output = command(
        *words, "--discard", run_id, killed.parent.name, "--because=the log sink was down", "--owner=ada"
    )
    assert (code, output.count("discarded by ada")) == (0, 2), output
    code, output = command(*words, "--revision=rev-0")
    assert code == 10, output
    assert "the log sink was down" in (tmp_path / "latest/report.html").read_text()


@pytest.mark.parametrize(
    "words,code,said",
    [
        ((), 4, "--target is missing"),
        (("--target=export", "--because=x"), 4, "--because and --owner"),
        (("--target=export", "--owner=ada"), 4, "--because and --owner"),
        (
            ("--target=export", "--evidence=/proc/none", "--discard=a", "--because=x"),
            4,
            "has no run and no soak a of export",
        ),
        (("--target=nowhere",), 4, "There is no target"),
        (("--target=export", "--evidence=/proc/none"), 10, "VERDICT: INCONCLUSIVE"),
        (("--target=export", "--evidence=nope://x"), 4, "Protocol not known"),
        (("--target=export", "--report-dir=/proc/none"), 4, "can't be written"),
        (("--rejudge=/nowhere",), 4, "can't be read as a verdict"),
    ],
)
def test_a_mistake_is_one_paragraph(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    got, output = command(*words, *([] if any("report-dir" in one for one in words) else [f"--report-dir={tmp_path}"]))
    assert got == code, output
    assert said in output
    assert "Traceback" not in output


def test_two_gates_at_once_keep_out_of_each_others_way(evidence: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in evidence.rglob("*.json")}
    words = ("--target=export", f"--evidence={evidence}", f"--report-dir={tmp_path}")
    with ThreadPoolExecutor(2) as both:
        answers = [both.submit(command, *words) for _ in range(2)]
    assert [answer.result()[0] for answer in answers] == [0, 0], [answer.result()[1] for answer in answers]
    folders = [path for path in (tmp_path / "export").iterdir() if (path / "report.html").exists()]
    assert len(folders) == 2
    assert (tmp_path / "latest").resolve() in folders
    assert before == {path: path.read_bytes() for path in before}


def test_of_two_who_discard_at_once_one_is_heard(tmp_path: Path) -> None:
    def say(owner: str) -> bool:
        try:
            Store(str(tmp_path)).discard("mini", "run-1", owner=owner, because="it was me")
        except StoreError:
            return False
        return True

    with ThreadPoolExecutor(8) as many:
        heard = list(many.map(say, [f"owner-{number}" for number in range(16)]))
    assert heard.count(True) == 1
    assert Store(str(tmp_path)).discards("mini")["run-1"].owner == f"owner-{heard.index(True)}"
