"""What the launcher makes of a command line before pytest sees it: it can be written as people write it, anywhere.

pytest looks for its configuration among all that does not begin with a dash, before any plugin can say which options
take a value; and it looks where it was started. So values are joined to our options, and the suite is run in its own
folder, with paths that are still where the user meant them.
"""

from collections.abc import Iterator, Sequence
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
CONFIGURATION = ("-c", "--config-file")


def prepared(arguments: Sequence[str], here: Path, root: Path = ROOT) -> tuple[list[str], Path]:
    """The arguments as pytest takes them, and the folder in which; `here` is where the user stands.

    With a configuration of the user's own they are joined, and everything else is as it was.
    """
    joined = list(_joined(arguments))
    if any(argument.partition("=")[0] in CONFIGURATION for argument in joined):
        return joined, here
    moved = [_moved(argument, here) for argument in joined] if here != root else joined
    if here != root and not any(argument.startswith("--report-dir=") for argument in moved):
        moved.append(f"--report-dir={here / REPORTS}")
    return ["-c", str(root / "pytest.ini"), f"--rootdir={root}", *moved], root


def _joined(arguments: Sequence[str]) -> Iterator[str]:
    """Options of ours with their values joined to them by `=`."""
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
        yield waiting  # without a value: pytest says so


def _moved(argument: str, here: Path) -> str:
    """A path as it is from anywhere: one that the user wrote from where they stand."""
    option, equals, value = argument.partition("=")
    if equals and (option in PATHS or (option in PATHS_OR_URLS and "://" not in value)) and value:
        return f"{option}={here / value}"
    path = argument.partition("::")[0]
    is_path = path and not argument.startswith("-") and (here / path).exists()
    return str(here / argument) if is_path else argument
