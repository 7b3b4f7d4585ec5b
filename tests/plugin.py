"""The self-tests' plugin: nothing of the gate's own plugin is loaded here; it is tested in processes of its own.

A conftest.py of this folder would also be loaded when an argument looks like a path to pytest, as
`--check='auth.refuses[issued ahead]'` does for its blank: the suite would run with our plugins, and five times slower.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.system.running import LONG_S, ReusedTwin, twin_up

pytest_plugins = ("pytester", "tests.own_warnings")

settings.register_profile("unhurried", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("unhurried")

# Folders whose tests start whole processes and wait for them. They begin first: if they came last, as pytest-xdist has
# files of few tests, some workers would wait for the last ones.
LONG_FOLDERS = tuple(f"tests/{name}/" for name in ("system", "commands", "deploy", "mutants", "twin", "gate/session"))
LEFT_OUT = pytest.mark.skip(reason="slow, it starts whole runs, many processes or a build: make test SLOW=1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for what is skipped otherwise, and those for as much of it as there is time for."""
    parser.addoption("--runslow", action="store_true", help="run the tests that are marked slow, too")
    parser.addoption("--begin-within", type=float, default=0.0, help="seconds after which no further file is begun")
    parser.addoption("--first", type=int, default=0, help="the number of the file to begin with, counted round")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count the time, if it is bounded."""
    if config.getoption("--begin-within"):
        config.pluginmanager.register(_Bounded(config.getoption("--begin-within")))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put long files first, or begin with the file that was asked for. Skip slow tests, each with its command.

    If they are asked for, each may take twice as long as the longest run.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(LONG_FOLDERS))
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(2 * LONG_S) if config.getoption("--runslow") else LEFT_OUT)
    files = list(dict.fromkeys(item.path for item in items))
    first = config.getoption("--first") % max(1, len(files))
    turn = {path: number for number, path in enumerate(files[first:] + files[:first])}
    items.sort(key=lambda item: turn[item.path])


class _Bounded:
    """Files of tests are begun while there is time; what is begun is run to its end, and what is not is skipped."""

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        self.end = time.monotonic() + within_s
        self.begun = set[Path]()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a test of a file that comes too late, with the command that runs it."""
        if item.path not in self.begun and time.monotonic() > self.end:
            path = item.path.relative_to(item.config.rootpath)
            pytest.skip(f"not begun within {self.within_s:g} s: make test SLOW=1 ARGS={path}")
        self.begun.add(item.path)


@pytest.fixture(scope="session")
def workers_twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReusedTwin]:
    """The fixed twin of this process, started for the first module that uses it: each worker of xdist has one."""
    folder = tmp_path_factory.mktemp("reused-twin")
    with twin_up(folder) as addresses:
        yield ReusedTwin(folder / "addresses.json", addresses)


@pytest.fixture(scope="module")
def reused_twin(workers_twin: ReusedTwin) -> ReusedTwin:
    """That twin without a fault and with an empty log. Rows of earlier modules are still there.

    A module starts its own twin if it needs another state, changes settings or takes dependencies down.
    """
    workers_twin.reset()
    return workers_twin
