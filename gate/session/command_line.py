"""Prepares a command line before pytest sees it, so that it works in the usual forms and from any folder.

pytest looks for its configuration among all arguments without a leading dash, before any plugin can declare which
options take a value, and it looks in the current folder. So values are joined to our options, and the suite runs in
its own folder, with the user's paths resolved first.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gate.session.options import REPORTS

ROOT = Path(__file__).parents[2]
PATHS = frozenset({"--report-dir", "--targets-dir", "--known-failures", "--alluredir", "--junitxml", "--junit-xml"})
PATHS_OR_URLS = frozenset({"--log-export", "--evidence"})
WITH_VALUE = (
    PATHS
    | PATHS_OR_URLS
    | {
        "--phase",
        "--target",
        "--duration",
        "--resume",
        "--check",
        "--tag",
        "--share",
    }
)
ADDED = "PYTEST_ADDOPTS"
CONFIGURATION = ("-c", "--config-file")


def prepared(arguments: Sequence[str], here: Path, root: Path = ROOT) -> tuple[list[str], Path]:
    """The arguments for pytest, and the folder to run in; `here` is the user's current folder.

    With the user's own configuration the values are joined, and everything else stays the same.
    """
    joined = list(_joined(arguments))
    if any(argument.partition("=")[0] in CONFIGURATION for argument in joined):
        return joined, here
    moved = [_moved(argument, here) for argument in joined] if here != root else joined
    if here != root and not any(argument.startswith("--report-dir=") for argument in moved):
        moved.append(f"--report-dir={here / REPORTS}")
    return ["-c", str(root / "pytest.ini"), f"--rootdir={root}", *moved], root


def wrong_added(environ: Mapping[str, str]) -> str:
    """Why PYTEST_ADDOPTS can't be split into words, as a sentence; empty if it can."""
    try:
        shlex.split(environ.get(ADDED, ""))
    except ValueError as error:
        return f"{ADDED} can't be split into words, as a shell would ({error}): correct its quotes, or unset it."
    return ""


def _joined(arguments: Sequence[str]) -> Iterator[str]:
    """Our options with their values joined by `=`."""
    waiting = ""
    for argument in arguments:
        if waiting:
            yield f"{waiting}={argument}"
            waiting = ""
        elif argument in WITH_VALUE:
            waiting = argument
        else:
            yield argument
    if waiting:
        yield waiting  # without a value: pytest reports it


def _moved(argument: str, here: Path) -> str:
    """An absolute path, resolved from the user's current folder."""
    option, equals, value = argument.partition("=")
    if equals and (option in PATHS or (option in PATHS_OR_URLS and "://" not in value)) and value:
        return f"{option}={here / value}"
    path = argument.partition("::")[0]
    is_path = path and not argument.startswith("-") and (here / path).exists()
    return str(here / argument) if is_path else argument
