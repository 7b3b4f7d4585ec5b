"""A run ends, says a verdict as its last line, and has an exit code that is its own, whatever happens to it."""

import signal
import sys
from pathlib import Path

import pytest

from tests.gate.session.mini import GOOD, HEAD, LAUNCHER, Mini
from tests.gate.session.test_plugin import SLOW, until_begun
from tests.system.waiting import HANGS_S


@pytest.fixture
def mini(tmp_path: Path) -> Mini:
    return Mini(tmp_path)


def last_line(output: str) -> str:
    return output.rstrip().rpartition("\n")[2]


IGNORING = (
    sys.executable,
    "-c",
    """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored, it means nohup: also if these tests themselves run under it
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGALRM))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
""",
    "-m",
    "gate.session",
)
BOTH = '{"a.good": (), "a.slow": ()}'
FAILS = (
    '@check("a.good", requirement="it holds")\ndef test_good():\n    raise CheckFailure(expected="one", actual="two")\n'
)
FAILS_THEN_SLOW = HEAD + FAILS + SLOW.partition("@check")[1] + SLOW.rpartition("@check")[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_ends_it_whatever_was_inherited(mini: Mini, number: signal.Signals, times: int) -> None:
    mini.write(FAILS_THEN_SLOW, required=BOTH)
    process = mini.start(by=IGNORING)
    until_begun(mini, process)
    for _ in range(times):
        process.send_signal(number)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == 2, output
    assert mini.verdict["verdict"] == "NO-GO", "what was found is judged"
    assert last_line(output).startswith("VERDICT: NO-GO"), output


SWALLOWS = """
async def survive():
    open("begun", "w").close()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:  # which is what asyncio makes of Ctrl-C
        return


@check("a.swallows", requirement="it holds")
def test_swallows():
    asyncio.run(survive())


@check("a.next", requirement="it holds")
def test_next():
    raise CheckFailure(expected="not to run", actual="it ran")
"""


def test_ctrl_c_ends_a_run_whose_case_swallows_it(mini: Mini) -> None:
    mini.write(f"import asyncio\n{HEAD}{SWALLOWS}", required='{"a.swallows": (), "a.next": ()}')
    process = mini.start(by=IGNORING)
    until_begun(mini, process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == 2, output
    assert last_line(output).startswith("VERDICT: INCONCLUSIVE"), output


def test_the_deadline_works_where_signals_were_ignored(mini: Mini) -> None:
    mini.write(SLOW, required=BOTH, deadline=1.5)
    code, output = mini.run(by=IGNORING)
    assert code == 2, output
    assert "deadline" in mini.verdict["reason"]


def test_hanging_up_does_not_end_a_run_under_nohup(mini: Mini) -> None:
    mini.write(SLOW.replace("time.sleep(60)", "time.sleep(3)"), required=BOTH)
    process = mini.start(by=("nohup", *LAUNCHER))
    until_begun(mini, process)
    process.send_signal(signal.SIGHUP)
    output, _ = process.communicate(timeout=HANGS_S)
    assert (process.returncode, mini.verdict["verdict"]) == (0, "GO"), output


def test_an_interrupt_in_the_first_moment_says_a_verdict(mini: Mini) -> None:
    mini.write(SLOW, required=BOTH)
    (mini.folder / "conftest.py").write_text("open('begun', 'w').close()\nimport time\ntime.sleep(60)\n")
    process = mini.start(by=LAUNCHER)
    until_begun(mini, process)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == 2, output
    assert last_line(output).startswith("VERDICT: INCONCLUSIVE exit_code=2")


def test_an_interrupt_after_the_verdict_keeps_the_exit_code(mini: Mini) -> None:
    mini.write(SLOW, required=BOTH)
    (mini.folder / "conftest.py").write_text("open('begun', 'w').close()\nimport time\ntime.sleep(60)\n")
    process = mini.start(by=LAUNCHER)
    until_begun(mini, process)
    process.send_signal(signal.SIGTERM)
    with process:
        assert process.stdout is not None
        assert any(line.startswith("VERDICT: INCONCLUSIVE exit_code=2") for line in process.stdout)
        process.send_signal(signal.SIGTERM)  # while the interpreter winds down, which restores the deadly default
        assert process.wait(timeout=HANGS_S) == 2


RENDERING = (
    HEAD
    + """
import os

class Slow(str):
    def __repr__(self):
        if not os.path.exists("begun"):  # the first time; pytest renders the interrupt's own traceback too
            open("begun", "w").close()
            time.sleep(60)
        return "slow"

@check("a.good", requirement="it holds")
def test_good():
    value = Slow()
    raise CheckFailure(expected="one", actual="two")
"""
)


def test_an_interrupt_while_a_traceback_is_rendered_loses_no_failure(mini: Mini) -> None:
    mini.write(RENDERING)
    process = mini.start("--showlocals", "--tb=long", by=LAUNCHER)
    until_begun(mini, process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=HANGS_S)
    assert (process.returncode, mini.verdict["verdict"]) == (2, "NO-GO"), output
    assert last_line(output).startswith("VERDICT: NO-GO")


BETWEEN = """
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_logfinish():
    yield
    if not os.path.exists("begun"):
        open("begun", "w").close()
        time.sleep(3)  # as Allure's, which is called here, on a slow disk
"""
LEAVING = """
class Driver:
    def __del__(self):
        raise RuntimeError("Connection closed while reading from the driver")

@pytest.fixture(scope="session", autouse=True)
def leaving():
    yield
    for _ in range(2):
        driver = Driver()
        driver.itself = driver
    del driver
    gc.collect()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_between_two_cases_and_what_it_leaves_behind_are_no_crash(
    mini: Mini, number: signal.Signals
) -> None:
    mini.write(GOOD + GOOD.partition(HEAD)[2].replace("good", "other"), required='{"a.good": (), "a.other": ()}')
    conftest = mini.folder / "conftest.py"
    conftest.write_text(f"import gc, os, time\n{conftest.read_text()}{BETWEEN}{LEAVING}")
    process = mini.start("-W", "error", by=IGNORING)
    until_begun(mini, process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == 2, output
    assert last_line(output).startswith("VERDICT: INCONCLUSIVE"), output
    assert "Traceback" not in output
    assert [row["name"] for row in mini.verdict["checks"] if row["outcome"] == "PASSED"] == ["a.good"]


PLUGIN = "import pytest\n\n{hook}\n"
CRASHES = {
    "a teardown raises": "@pytest.fixture(autouse=True)\ndef broken():\n    yield\n    raise RuntimeError",
    "a session's end raises": "def pytest_sessionfinish():\n    raise RuntimeError('boom')",
    "unconfiguring raises": "def pytest_unconfigure():\n    raise RuntimeError('boom')",
    "a plugin dies in a case": "def pytest_runtest_logreport():\n    raise RuntimeError('boom')",
    "a conftest dies": "raise RuntimeError('boom')",
    "pytest.exit": "def pytest_runtest_logfinish():\n    pytest.exit('enough', returncode=0)",
}
CODES = {"a conftest dies": 4, "a teardown raises": 10, "pytest.exit": 10}


@pytest.mark.parametrize("what", CRASHES)
def test_a_crash_is_never_a_verdict(mini: Mini, what: str) -> None:
    mini.write(GOOD, required='{"a.good": (), "a.other": ()}')
    conftest = mini.folder / "conftest.py"
    conftest.write_text(f"{conftest.read_text()}\n{CRASHES[what]}\n")
    code, output = mini.run(by=LAUNCHER)
    assert code == CODES.get(what, 3), output
    assert last_line(output).startswith("VERDICT: INCONCLUSIVE"), output


def test_a_plugin_that_dies_while_it_is_imported_is_no_no_go(mini: Mini) -> None:
    mini.write(GOOD)
    (mini.folder / "dying.py").write_text("raise RuntimeError('boom')\n")
    code, output = mini.run(by=LAUNCHER, env={"PYTEST_PLUGINS": "dying", "PYTHONPATH": f"{mini.folder}:{Path.cwd()}"})
    assert code == 3, output
    assert last_line(output).startswith("VERDICT: INCONCLUSIVE exit_code=3")


def test_a_full_disk_is_ours(mini: Mini) -> None:
    """The size that a file may have stands for the disk: writing beyond it is refused by the system."""
    big = 'raise CheckFailure(expected="one", actual="two" * 100_000)'
    mini.write(HEAD + f'@check("a.good", requirement="it holds")\ndef test_it():\n    {big}\n')
    limited = ("/bin/sh", "-c", 'ulimit -f 64; exec "$@"', "sh", *LAUNCHER)
    code, output = mini.run(by=limited)
    assert code == 3, output
    assert last_line(output).startswith("VERDICT: NO-GO"), output
    assert "File too large" in output
    assert "Traceback" not in output
    assert "make room, or name a folder with --report-dir" in output
    assert mini.verdict["verdict"] == "INCONCLUSIVE"


@pytest.mark.parametrize("how", ["--help", "--version", "--collect-only", "--fixtures", "--setup-plan"])
def test_looking_is_no_verdict(mini: Mini, how: str) -> None:
    mini.write(GOOD)
    code, output = mini.run(how, by=LAUNCHER)
    assert code == 10, output
    why = "no verdict was published: nothing ran, or pytest crashed"
    assert last_line(output) == f"VERDICT: INCONCLUSIVE exit_code=10 reason={why}", output


def test_looking_by_a_variable_is_no_verdict(mini: Mini) -> None:
    mini.write(GOOD)
    assert mini.run(by=LAUNCHER)[0] == 0
    for how in ("--help", "--collect-only"):
        code, output = mini.run(by=LAUNCHER, env={"PYTEST_ADDOPTS": how})
        assert code == 10, output


@pytest.mark.parametrize("added", ["--report-dir", "'an open quote"])
def test_a_variable_that_can_not_be_read_is_a_usage_error(mini: Mini, added: str) -> None:
    mini.write(GOOD)
    code, output = mini.run(by=LAUNCHER, env={"PYTEST_ADDOPTS": added})
    assert (code, last_line(output)) == (4, "VERDICT: INCONCLUSIVE exit_code=4"), output
    assert "Traceback" not in output


def test_a_reader_that_went_away_does_not_change_the_exit_code(mini: Mini) -> None:
    mini.write(GOOD)
    process = mini.start(by=LAUNCHER)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=HANGS_S) == 0
    assert mini.verdict["verdict"] == "GO"


def test_a_crash_before_the_run_shows_no_secret_of_the_environment(mini: Mini) -> None:
    mini.write(GOOD)
    dying = "import os\nraise RuntimeError(os.environ['NETRA_TOKENS__SERVICE_KEY'] + chr(10) + 'VERDICT: GO forged')\n"
    (mini.folder / "dying.py").write_text(dying)
    key = "a-service-key-of-some-length"
    more = {"PYTEST_PLUGINS": "dying", "PYTHONPATH": f"{mini.folder}:{Path.cwd()}", "NETRA_TOKENS__SERVICE_KEY": key}
    code, output = mini.run(by=LAUNCHER, env=more)
    assert code == 3
    assert key not in output
    assert "\nVERDICT: GO" not in output
    assert last_line(output).startswith("VERDICT: INCONCLUSIVE exit_code=3")
