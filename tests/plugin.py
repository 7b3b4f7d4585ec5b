"""The self-tests' plugin: nothing of the gate's own plugin is loaded here; it is tested in processes of its own.

A conftest.py of this folder would also be loaded when an argument looks like a path to pytest, as
`--check='auth.refuses[issued ahead]'` does for its blank: the suite would run with our plugins, and five times slower.
"""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.proof.journal import shard
from tests.system.running import LONG_S, ReusedTwin, twin_up

pytest_plugins = ("pytester", "tests.own_warnings")

settings.register_profile("unhurried", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("unhurried")

# Folders whose tests start whole processes and wait for them. They begin first: if they came last, as pytest-xdist has
# files of few tests, some workers would wait for the last ones.
LONG_FOLDERS = tuple(f"tests/{one}/" for one in ("system", "commands", "deploy", "mutants", "twin", "gate/session"))
LONGEST_FILE = "tests/system/test_no_secret_anywhere.py"  # minutes: a run in which everything fails, with all locals
LEFT_OUT = pytest.mark.skip(reason="slow, it starts whole runs of the suite or builds the image: make test SLOW=1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for what is skipped otherwise, and the one for a share of it."""
    parser.addoption("--runslow", action="store_true", help="run the tests that are marked slow, too")
    parser.addoption("--shard", default="", help="of the files of tests a share: 1/2, the first of two")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put long ones first. Skip what is slow, each with its command; if it runs, it may take two of the longest."""
    items.sort(key=lambda item: (not item.nodeid.startswith(LONGEST_FILE), not item.nodeid.startswith(LONG_FOLDERS)))
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(2 * LONG_S) if config.getoption("--runslow") else LEFT_OUT)
    _leave_share(config, items)


def _leave_share(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of each n-th file. Raises UsageError for a share that is none."""
    try:
        files = set(shard(sorted({str(item.path) for item in items}), config.getoption("--shard")))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    config.hook.pytest_deselected(items=[item for item in items if str(item.path) not in files])
    items[:] = [item for item in items if str(item.path) in files]


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
