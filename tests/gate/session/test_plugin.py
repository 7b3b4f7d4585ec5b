"""The plugin in real pytest processes: exit codes, declarations, interrupts, and what stands on disk afterwards."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.gate.session.mini import GOOD, HEAD, Mini
from tests.system.waiting import HANGS_S


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


def test_what_judges_the_whole_run_runs_after_all_others(mini: Mini) -> None:
    mini.write(
        "import pytest\n" + HEAD + 'done = []\n@pytest.mark.parametrize("case", [pytest.param("last", '
        'marks=pytest.mark.at_the_end), "first"])\n@check("a.good", requirement="it holds")\ndef test_it(case):\n'
        '    done.append(case)\n    assert case == "first" or done == ["first", "other", "last"], done\n'
        '@check("z.other", requirement="it holds")\ndef test_other():\n    done.append("other")\n',
        required='{"a.good": ("first", "last"), "z.other": ()}',
    )
    code, output = mini.run()
    assert code == 0, output


def test_deselecting_what_is_required_is_inconclusive(mini: Mini) -> None:
    mini.write(GOOD)
    code, output = mini.run("-k", "nothing_matches")
    assert (code, mini.verdict["verdict"]) == (10, "INCONCLUSIVE"), output
    assert mini.verdict["reason"].startswith("nothing of 1 selected (-k=nothing_matches); no verdict on the release")


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


def until_begun(mini: Mini, process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + HANGS_S
    while not (mini.folder / "begun").exists():
        assert time.monotonic() < limit, "the slow case never began"
        assert process.poll() is None
        time.sleep(0.05)  # polling a file, with a limit


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_writes_what_there_is(mini: Mini, number: signal.Signals) -> None:
    mini.write(SLOW, required='{"a.good": (), "a.slow": ()}')
    process = mini.start()
    until_begun(mini, process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == 2, output
    assert mini.verdict["verdict"] == "INCONCLUSIVE"
    assert {row["name"]: row["outcome"] for row in mini.verdict["checks"]}["a.good"] == "PASSED"


def test_a_killed_run_leaves_no_go_behind(mini: Mini) -> None:
    mini.write(GOOD)
    assert mini.run()[0] == 0
    mini.write(SLOW)
    process = mini.start()
    until_begun(mini, process)
    process.kill()
    process.communicate(timeout=HANGS_S)
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


def test_a_case_has_begun_when_another_plugin_refuses_it(mini: Mini) -> None:
    """Such as the one that waits for its turn: the report says when that was."""
    mini.write(GOOD)
    conftest = mini.folder / "conftest.py"
    conftest.write_text(conftest.read_text().replace('("gate.session.plugin",)', '("gate.session.plugin", "refusing")'))
    (mini.folder / "refusing.py").write_text(
        "from gate.failures import Broken\n\ndef pytest_runtest_setup(item):\n    raise Broken('it is not its turn')\n"
    )
    code, output = mini.run()
    assert code == 10, output
    (row,) = mini.verdict["checks"]
    assert row["reason"] == "in setup: it is not its turn"
    assert row["began"]


def test_a_case_can_say_what_it_waits_for(mini: Mini) -> None:
    mini.write(
        HEAD + '@check("a.good", requirement="it holds")\ndef test_it(narrate):\n    narrate("until the moon rises")\n'
    )
    code, output = mini.run()
    assert code == 0, output
    assert "  until the moon rises\n" in output
