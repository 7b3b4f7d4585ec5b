"""Forked runs are runs: their own exit code, output, tree and end."""

import textwrap
from pathlib import Path

import pytest

from tests.proof.warm_runs import StartLost, warm_runs

WITHIN_S = 300.0
CONFIGURED = """
[pytest]
addopts = --assert=plain -p no:schemathesis -p no:hypothesispytest
asyncio_default_fixture_loop_scope = session
filterwarnings = error
"""


def write(tree: Path, body: str) -> None:
    """The one test of a tree, which has no configuration of its own."""
    (tree / "pytest.ini").write_text(CONFIGURED)
    (tree / "test_it.py").write_text(textwrap.dedent(body))


async def test_a_run_has_its_own_exit_code_output_and_environment(tmp_path: Path) -> None:
    write(
        tmp_path, """import os\ndef test_it():\n    assert os.environ["NV_SAID"] == "once", "the words of the test"\n"""
    )
    async with warm_runs(tmp_path) as runs:
        passed = await runs.run(WITHIN_S, "-q", tree=tmp_path, environment={"NV_SAID": "once"})
        failed = await runs.run(WITHIN_S, "-q", tree=tmp_path, environment={"NV_SAID": "twice"})
        misused = await runs.run(WITHIN_S, "--no-such-option", tree=tmp_path)
    assert (passed[0], failed[0], misused[0]) == (0, 1, 4)
    assert b"1 passed" in passed[1]
    assert b"the words of the test" in failed[1]
    assert b"--no-such-option" in misused[1]


async def test_a_run_reads_its_tree_as_it_is_now(tmp_path: Path) -> None:
    write(tmp_path, "def test_it():\n    pass\n")
    async with warm_runs(tmp_path) as runs:
        before = await runs.run(WITHIN_S, "-q", tree=tmp_path)
        write(tmp_path, "def test_it():\n    raise ValueError\n")
        after = await runs.run(WITHIN_S, "-q", tree=tmp_path)
    assert (before[0], after[0]) == (0, 1)


async def test_nothing_of_the_project_is_imported_ahead(tmp_path: Path) -> None:
    write(
        tmp_path,
        "import sys\ndef test_it():\n    print('names:', *sorted({name.partition('.')[0] for name in sys.modules}))\n",
    )
    async with warm_runs(tmp_path) as runs:
        code, output = await runs.run(WITHIN_S, "-q", "-s", tree=tmp_path)
    assert code == 0, output.decode()
    names = next(line for line in output.decode().splitlines() if line.startswith("names:")).split()
    assert {"asyncpg", "schemathesis"} <= set(names)
    assert {"gate", "probes", "targets", "fixtures", "suites", "twin", "tests"}.isdisjoint(names)


async def test_a_run_that_takes_too_long_is_ended_and_the_next_one_begins(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        import pathlib, signal
        def test_it():
            if not pathlib.Path("seen").exists():
                pathlib.Path("seen").touch()
                signal.pause()
    """,
    )
    async with warm_runs(tmp_path) as runs:
        with pytest.raises(TimeoutError):
            await runs.run(3.0, "-q", tree=tmp_path)
        (tmp_path / "seen").touch()  # it may have been ended before it came that far
        code, _ = await runs.run(WITHIN_S, "-q", tree=tmp_path)
    assert code == 0


async def test_a_start_that_is_gone_is_said(tmp_path: Path) -> None:
    write(tmp_path, "def test_it():\n    pass\n")
    async with warm_runs(tmp_path) as runs:
        await runs.run(WITHIN_S, "-q", tree=tmp_path)
        runs.process.kill()
        with pytest.raises(StartLost, match="ended with -9"):
            await runs.run(WITHIN_S, "-q", tree=tmp_path)
