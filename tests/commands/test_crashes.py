"""One of our commands that crashes ends with 3: Python's own 1 is NO-GO's, and a risky migration's.

One that is interrupted ends with 2, in one line.
"""

from pathlib import Path

import pytest

from tests.system.running import ROOT, run

DYING = "import runpy, sys\nimport {module} as dying\ndying.{name} = None\nsys.argv = ['commands', *{words!r}]\n"
STARTED = "runpy.run_module('commands', run_name='__main__')\n"


@pytest.mark.parametrize(
    "module,name,words,last",
    [
        ("commands.gate", "gather", ("gate", "--target=local"), "VERDICT: INCONCLUSIVE exit_code=3"),
        ("commands.errors", "ExportFile", ("errors", "export.ndjson"), "exit_code=3"),
    ],
)
def test_a_crash_is_exit_code_3(tmp_path: Path, module: str, name: str, words: tuple[str, ...], last: str) -> None:
    (tmp_path / "export.ndjson").write_text('{"httpRequest": {"status": 500}}\n')
    (tmp_path / "dying.py").write_text(DYING.format(module=module, name=name, words=words) + STARTED)
    code, output = run("dying", cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert code == 3, output
    assert output.rstrip().splitlines()[-1].startswith(last), output


INTERRUPTED = (
    "import runpy, sys\n"
    "class Finder:\n"
    "    def find_spec(self, name, *_more):\n"
    "        if name == {module!r}:\n"
    "            raise KeyboardInterrupt\n"
    "sys.meta_path.insert(0, Finder())\n"
    "sys.argv = ['commands', 'gate', '--target=local']\n"
)


@pytest.mark.parametrize("module", ["gate.unread", "gate.redaction", "commands.cli"])
def test_an_interrupt_during_an_import_is_exit_code_2_without_a_traceback(tmp_path: Path, module: str) -> None:
    (tmp_path / "interrupted.py").write_text(INTERRUPTED.format(module=module) + STARTED)
    code, output = run("interrupted", cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert (code, output) == (2, "VERDICT: INCONCLUSIVE exit_code=2 reason=interrupted\n")
