"""The plugin in real pytest processes: exit codes, declarations, interrupts, and what stands on disk afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
from pathlib import Path
import pytest
from gate.plan import Plan
pytest_plugins = ("gate.plugin",)

def pytest_gate_plan(config):
    return Plan(
        target="mini", environment="local", profile="full", phase="smoke",
        offers=frozenset({"http"}), lacking={"db": "no database: set NETRA_DATABASE__URL"},
        required={REQUIRED}, secrets=("hunter2-hunter2",), report_dir=Path(config.getoption("--report-dir")),
        quick=False, deadline_s=DEADLINE, known_failures=config.getoption("--known-failures"),
        evidence=config.getoption("--evidence"),
    )
"""
HEAD = """
import time
import pytest
from gate.check import check
from gate.failures import Broken, CheckFailure, Pending
"""
GOOD = HEAD + '@check("a.good", requirement="it holds")\ndef test_good():\n    "It holds."\n'


class Mini:
    """A small suite in a folder of its own, run by pytest in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self, body: str, *, required: str = '{"a.good": ()}', deadline: float = 30.0, name: str = "test_a"
    ) -> None:
        conftest = CONFTEST.replace("{REQUIRED}", required).replace("DEADLINE", str(deadline))
        (self.folder / "conftest.py").write_text(conftest)
        (self.folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
        (self.folder / f"{name}.py").write_text(body)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-c", "pytest.ini", *arguments],
            cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    @property
    def verdict(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "reports/latest/verdict.json").read_text())
        return document


@pytest.fixture
def mini(tmp_path: Path) -> Mini:
    return Mini(tmp_path)


def test_all_required_passed_exits_0_with_every_artifact(mini: Mini) -> None:
    mini.write(GOOD)
    code, output = mini.run()
    assert code == 0, output
    assert mini.verdict["verdict"] == "GO"
    assert "VERDICT: GO" in output
    folder = mini.folder / "reports/latest"
    assert {"verdict.json", "report.html", "summary.md", "junit.xml", "metrics.openmetrics", "allure-results"} <= {
        p.name for p in folder.iterdir()
    }
    assert not list((folder / "allure-results").glob("*-container.json"))


BODIES = {
    "FAILED": ('raise CheckFailure(expected="one", actual="two")', 1, "NO-GO"),
    "BROKEN": ('raise Broken("the way there is closed")', 10, "INCONCLUSIVE"),
    "PENDING": ('raise Pending("time has not run yet")', 10, "INCONCLUSIVE"),
    "crash": ("1 / 0", 10, "INCONCLUSIVE"),
    "plain assertion": ("assert 1 == 2", 10, "INCONCLUSIVE"),
    "skip in the body": ('pytest.skip("not today")', 10, "INCONCLUSIVE"),
    "xfail in the body": ('pytest.xfail("known")', 10, "INCONCLUSIVE"),
}


@pytest.mark.parametrize("kind", BODIES)
def test_each_outcome_has_its_exit_code(mini: Mini, kind: str) -> None:
    body, code, verdict = BODIES[kind]
    mini.write(HEAD + f'@check("a.good", requirement="it holds", remedy="Fix 1")\ndef test_it():\n    {body}\n')
    got, output = mini.run()
    assert (got, mini.verdict["verdict"], mini.verdict["exit_code"]) == (code, verdict, code), output


def test_a_failure_says_requirement_expected_actual_and_what_to_do(mini: Mini) -> None:
    body = 'raise CheckFailure(expected="one", actual="two")'
    mini.write(HEAD + f'@check("a.good", requirement="it holds", remedy="Fix 1")\ndef test_it():\n    {body}\n')
    _, output = mini.run()
    for words in (
        "FAILED a.good",
        "requirement: it holds",
        "expected:    one",
        "actual:      two",
        "what to do:  Fix 1",
    ):
        assert words in output


def test_needs_that_the_target_lacks_are_listed_not_skipped(mini: Mini) -> None:
    mini.write(GOOD + '@check("a.db", requirement="rows", needs="db")\ndef test_db():\n    raise SystemExit\n')
    code, _ = mini.run()
    row = next(row for row in mini.verdict["checks"] if row["id"] == "a.db")
    assert (code, row["outcome"]) == (0, "NOT_APPLICABLE")
    assert "NETRA_DATABASE__URL" in row["reason"]


def test_deselecting_what_is_required_is_inconclusive(mini: Mini) -> None:
    mini.write(GOOD)
    code, output = mini.run("-k", "nothing_matches")
    assert (code, mini.verdict["verdict"]) == (10, "INCONCLUSIVE"), output
    assert mini.verdict["missing"] == ["a.good"]


def test_an_undeclared_test_stops_the_run_and_names_its_place(mini: Mini) -> None:
    mini.write(GOOD + "def test_bare():\n    pass\n")
    code, output = mini.run()
    assert code == 4, output
    assert "test_a.py" in output
    assert "test_bare" in output
    assert mini.verdict["verdict"] == "INCONCLUSIVE"


def test_an_id_declared_twice_names_both_places(mini: Mini) -> None:
    mini.write(GOOD)
    mini.write(GOOD, name="test_b")
    code, output = mini.run()
    assert code == 4, output
    assert "test_a.py" in output
    assert "test_b.py" in output


def test_a_module_that_cannot_be_imported_is_not_green(mini: Mini) -> None:
    mini.write(GOOD)
    (mini.folder / "test_b.py").write_text("import no_such_module\n")
    code, output = mini.run()
    assert code == 2, output
    assert mini.verdict["verdict"] == "INCONCLUSIVE"
    assert "no_such_module" in output


def test_a_usage_error_takes_the_last_verdict_away(mini: Mini) -> None:
    mini.write(GOOD)
    assert mini.run()[0] == 0
    code, _ = mini.run("--phase", "lunch")
    assert code == 4
    assert not (mini.folder / "reports/latest").exists()


def test_an_unwritable_report_folder_is_one_paragraph(mini: Mini) -> None:
    mini.write(GOOD)
    (mini.folder / "taken").write_text("a file")
    code, output = mini.run("--report-dir=taken/reports")
    assert code == 4
    assert "can't be written" in output
    assert "Traceback" not in output


SLOW = (
    HEAD
    + """
@check("a.good", requirement="it holds")
def test_good():
    pass

@check("a.slow", requirement="it ends")
def test_slow():
    open("begun", "w").close()
    time.sleep(60)
"""
)


def _until_begun(mini: Mini, process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 30
    while not (mini.folder / "begun").exists():
        assert time.monotonic() < limit, "the slow case never began"
        assert process.poll() is None
        time.sleep(0.05)  # polling a file, with a limit


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_writes_what_there_is(mini: Mini, number: signal.Signals) -> None:
    mini.write(SLOW, required='{"a.good": (), "a.slow": ()}')
    process = mini.start()
    _until_begun(mini, process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 2, output
    assert mini.verdict["verdict"] == "INCONCLUSIVE"
    assert {row["name"]: row["outcome"] for row in mini.verdict["checks"]}["a.good"] == "PASSED"


def test_a_killed_run_leaves_no_go_behind(mini: Mini) -> None:
    mini.write(GOOD)
    assert mini.run()[0] == 0
    mini.write(SLOW)
    process = mini.start()
    _until_begun(mini, process)
    process.kill()
    process.communicate(timeout=30)
    assert mini.verdict["verdict"] == "INCONCLUSIVE"
    assert "killed" in mini.verdict["reason"]


def test_the_deadline_ends_the_run(mini: Mini) -> None:
    mini.write(SLOW, deadline=1.5)
    code, output = mini.run()
    assert code == 2, output
    assert "deadline" in mini.verdict["reason"]


def test_an_undo_that_breaks_is_broken(mini: Mini) -> None:
    body = """
@pytest.fixture
def thing():
    yield
    raise OSError("the row is still there")

@check("a.good", requirement="it holds")
def test_good(thing):
    pass
"""
    mini.write(HEAD + body)
    code, output = mini.run()
    row = mini.verdict["checks"][0]
    assert (code, row["outcome"]) == (10, "BROKEN"), output
    assert "the row is still there" in row["reason"]


def test_secrets_reach_no_file(mini: Mini) -> None:
    body = 'print("hunter2-hunter2")\n    raise CheckFailure(expected="x", actual="password hunter2-hunter2")'
    mini.write(HEAD + f'@check("a.good", requirement="it holds")\ndef test_it():\n    {body}\n')
    mini.run()
    folder = (mini.folder / "reports/latest").resolve()
    texts = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert not [path for path, text in texts.items() if "hunter2-hunter2" in text]


KNOWN = '["a.good"]\nowner = "backend team"\nreason = "waits for the gateway"\nexpires = {expires}\n'


@pytest.mark.parametrize(
    "body,expires,code",
    [
        ('raise CheckFailure(expected="x", actual="y")', "2999-01-01", 0),
        ('raise CheckFailure(expected="x", actual="y")', "2020-01-01", 1),
        ("pass", "2999-01-01", 10),
    ],
    ids=["accepted", "expired", "no longer fails"],
)
def test_known_failures_are_two_sided(mini: Mini, body: str, expires: str, code: int) -> None:
    other = '@check("a.other", requirement="it holds")\ndef test_other():\n    pass\n'
    mini.write(
        HEAD + other + f'@check("a.good", requirement="it holds")\ndef test_it():\n    {body}\n',
        required='{"a.good": (), "a.other": ()}',
    )
    (mini.folder / "known.toml").write_text(KNOWN.format(expires=expires))
    got, output = mini.run("--known-failures=known.toml")
    assert got == code, output


def test_verdict_only_writes_the_verdict_alone(mini: Mini) -> None:
    mini.write(GOOD)
    conftest = mini.folder / "conftest.py"
    conftest.write_text(conftest.read_text().replace("quick=False,", "quick=False, verdict_only=True,"))
    assert mini.run("--verdict-only")[0] == 0
    assert [path.name for path in (mini.folder / "reports/latest").resolve().iterdir()] == ["verdict.json"]


def test_the_verdict_is_put_into_the_evidence_store_as_well(mini: Mini) -> None:
    mini.write(GOOD)
    for _ in range(2):
        assert mini.run("--evidence=store")[0] == 0
    kept = sorted(mini.folder.glob("store/mini/*/verdict.json"))
    assert len(kept) == 2
    assert json.loads(kept[-1].read_text()) == mini.verdict
    assert mini.verdict["changes"]["since"] == kept[0].parent.name


def test_a_store_that_can_not_be_written_is_said_before_anything_runs(mini: Mini) -> None:
    mini.write(GOOD)
    (mini.folder / "taken").write_text("a file")
    code, output = mini.run("--evidence=taken/store")
    assert code == 4, output
    assert "taken/store can't be written" in output
    assert "Traceback" not in output
    assert mini.verdict["verdict"] == "INCONCLUSIVE"


def test_a_store_that_is_lost_while_the_run_goes_makes_it_inconclusive(mini: Mini) -> None:
    body = 'import shutil\n    shutil.rmtree("store")\n    open("store", "w").close()'
    mini.write(HEAD + f'@check("a.good", requirement="it holds")\ndef test_it():\n    {body}\n')
    code, output = mini.run("--evidence=store")
    assert (code, mini.verdict["verdict"]) == (10, "INCONCLUSIVE"), output
    assert "store can't be written" in mini.verdict["reason"]


@pytest.mark.parametrize("text", ["not toml", '["a.good"]\nowner = "ada"\n', '["a.good"]\nexpires = "soon"\n'])
def test_a_list_of_known_failures_that_can_not_be_used_is_said_before_anything_runs(mini: Mini, text: str) -> None:
    mini.write(GOOD)
    (mini.folder / "known.toml").write_text(text)
    code, output = mini.run("--known-failures=known.toml")
    assert code == 4, output
    assert "known failures: known.toml" in output
    assert "Traceback" not in output
    assert not (mini.folder / "reports/mini").exists()
