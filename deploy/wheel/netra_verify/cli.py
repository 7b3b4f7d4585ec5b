"""`netra-verify`: the Makefile's commands for an installed wheel, with the same exit codes.

Targets are read from `./targets` if it exists, reports are written to `./reports`.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from netra_verify import TREE

PHASES = {"run": "smoke", "soak": "soak", "day": "day", "candidate": "candidate"}
COMMANDS = {
    "run": "the smoke phase, after a deploy: --target NAME [--quick]",
    "candidate": "judge a revision without traffic and compare it with the serving one: --target NAME --tag TAG",
    "rollout": "shift traffic in steps: the commands, and what each step must prove: --target NAME --tag TAG",
    "soak": "an hour of open sessions: --target NAME [--duration 1h]",
    "day": "the hours since the last one: --target NAME",
    "gate": "judge a revision by all its runs: --target NAME",
    "history": "a page about the runs of a target: --target NAME",
    "errors": "the 5xx in an exported log: FILE",
    "preflight": "apply migrations to a scratch database, and judge their effects: --alembic FOLDER",
    "repair-plan": "count malformed rows, and write the SQL that repairs them: --target NAME",
    "reap": "remove what killed runs left behind: --target NAME",
    "report": "build Allure's page for the last run",
    "init": "write a first target by looking at its service: --name NAME --backend URL",
}
OWN_TARGETS = Path("targets")
CALLED = "netra-verify"
USAGE = 4
OF_TARGETS = frozenset({"gate", "history", "repair-plan", "reap", "rollout"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the process's exit code: 0 GO, 1 NO-GO, 10 INCONCLUSIVE, 2 to 4 as pytest's."""
    if str(TREE) not in sys.path:
        sys.path.insert(0, str(TREE))
    from gate.unread import secure_output  # noqa: PLC0415 - importable once the tree is on the path

    secure_output()
    word, *rest = [*(sys.argv[1:] if arguments is None else arguments), ""]
    rest = rest[:-1]
    if word in {"", "-h", "--help"}:
        return _say(_help(), 0 if word else USAGE)
    if word in {"-V", "--version"}:
        return _say(f"netra-verify {version('netra-verify')}", 0)
    if word not in COMMANDS:
        return _say(f"netra-verify has no command {word!r}.\n\n{_help()}", USAGE)
    if word in PHASES:
        return _run(PHASES[word], rest)
    return _command(word, rest)


def _run(phase: str, options: list[str]) -> int:
    from gate.session.__main__ import main as run  # noqa: PLC0415 - as above

    fixed = ["-c", str(TREE / "pytest.ini"), f"--rootdir={TREE}", f"--phase={phase}"]
    # The folder first: after the options, the last one would take it if its own value is missing.
    return run([*fixed, str(TREE / "suites"), *_own_targets(options), *options])


def _command(word: str, options: list[str]) -> int:
    from commands.__main__ import run  # noqa: PLC0415 - as above

    if word == "init":
        return run([word, f"--dir={OWN_TARGETS}", *options], CALLED)
    return run([word, *options, *(_own_targets(options) if word in OF_TARGETS else [])], CALLED)


def _own_targets(options: Sequence[str]) -> list[str]:
    given = any(one.startswith("--targets-dir") for one in options)
    return [] if given or not OWN_TARGETS.is_dir() else [f"--targets-dir={OWN_TARGETS.resolve()}"]


def _help() -> str:
    lines = "\n".join(f"  {word:<12} {about}" for word, about in COMMANDS.items())
    ends = "Each has --help. The exit code is the verdict: 0 GO, 1 NO-GO, 10 INCONCLUSIVE."
    return f"usage: netra-verify COMMAND ...\n\n{lines}\n\n{ends}"


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr if code else sys.stdout)
    return code
