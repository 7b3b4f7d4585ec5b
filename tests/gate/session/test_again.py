"""A case that ran twice has the worse outcome, and what would hide that is refused with its name."""

from pathlib import Path

import pytest

from tests.gate.session.mini import GOOD, HEAD, Mini


@pytest.fixture
def mini(tmp_path: Path) -> Mini:
    return Mini(tmp_path)


# What pytest-rerunfailures, flaky and pytest-retry do: the protocol again, and what came last is what counts.
AGAIN = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runtestprotocol(item, nextitem=nextitem, log=False)
    item._initrequest()
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
"""
FLAKY = """
TIMES = []

@check("a.good", requirement="it holds")
def test_good():
    TIMES.append(1)
    if len(TIMES) == FAILS_AT:
        raise HOW
"""


@pytest.mark.parametrize("fails_at", ["1", "2"])
@pytest.mark.parametrize(
    "how,code,outcome",
    [('CheckFailure(expected="one", actual="two")', 1, "FAILED"), ('Broken("not there")', 10, "BROKEN")],
)
def test_the_worse_of_two_attempts_counts(mini: Mini, fails_at: str, how: str, code: int, outcome: str) -> None:
    mini.write(HEAD + FLAKY.replace("FAILS_AT", fails_at).replace("HOW", how))
    conftest = mini.folder / "conftest.py"
    conftest.write_text(conftest.read_text() + AGAIN)
    got, output = mini.run()
    row = mini.verdict["checks"][0]
    assert (got, row["outcome"]) == (code, outcome), output
    came_to = f"{outcome}, PASSED" if fails_at == "1" else f"PASSED, {outcome}"
    assert f"it ran 2 times: {came_to}" in row["reason"]


def test_a_case_that_is_collected_twice_has_the_worse_outcome(mini: Mini) -> None:
    mini.write(HEAD + FLAKY.replace("FAILS_AT", "1").replace("HOW", 'CheckFailure(expected="one", actual="two")'))
    code, output = mini.run("--keep-duplicates", "test_a.py", "test_a.py")
    assert (code, mini.verdict["checks"][0]["outcome"]) == (1, "FAILED"), output
    assert len(mini.verdict["checks"]) == 1


@pytest.mark.parametrize(
    "name,module", [("pytest-rerunfailures", "pytest_rerunfailures"), ("flaky", "flaky.flaky_pytest_plugin")]
)
def test_a_plugin_that_hides_outcomes_is_refused_by_name(mini: Mini, name: str, module: str) -> None:
    pytest.importorskip(module.partition(".")[0])
    mini.write(HEAD + FLAKY.replace("FAILS_AT", "1").replace("HOW", 'CheckFailure(expected="one", actual="two")'))
    code, output = mini.run("-p", module)
    assert code == 4, output
    assert f"The plugin {name} is active" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("how", ["command line", "PYTEST_ADDOPTS"])
def test_a_debugger_that_is_left_at_once_is_not_a_pass(mini: Mini, how: str) -> None:
    """If the input ends before the first line, pytest says that a failing case passed: it has not run."""
    mini.write(HEAD + FLAKY.replace("FAILS_AT", "1").replace("HOW", 'CheckFailure(expected="one", actual="two")'))
    code, output = mini.run("--trace") if how == "command line" else mini.run(env={"PYTEST_ADDOPTS": "--trace"})
    assert code == 4, output
    assert "--trace starts each case in a debugger" in output


def test_a_run_needs_no_cache(mini: Mini) -> None:
    mini.write(GOOD)
    code, output = mini.run("-p", "no:cacheprovider")
    assert code == 0, output


@pytest.mark.parametrize("name", ["terminal", "capture", "python", "asyncio", "allure_pytest"])
def test_a_run_without_a_plugin_that_it_needs_is_refused(mini: Mini, name: str) -> None:
    """Without one it crashed, or ran nothing."""
    mini.write("")
    code, output = mini.run("-p", f"no:{name}")
    assert code == 4, output
    assert f"-p no:{name} switches off a plugin that the suite needs" in output
    assert "INTERNALERROR" not in output
