"""A pytest plugin of the struck-out judgements: on which raise each case of a run that did not pass ended.

It writes `raised.jsonl` beside the report folder: a line a case, with its name and `file:line`, innermost first, of
every frame that is the project's own; the same of each failure that it says again in other words.
"""

import json
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from gate.failures import CheckFailure
from gate.session.case_outcome import RESULT
from gate.verdict import name

FILE = "raised.jsonl"


def places(error: BaseException, tree: Path) -> list[str]:
    """The frames of an error's traceback that lie in a tree, innermost first. Of a group, its first error's."""
    found, step = list[str](), _first(error).__traceback__
    while step is not None:
        path = Path(step.tb_frame.f_code.co_filename)
        if path.is_relative_to(tree):
            found.append(f"{path.relative_to(tree)}:{step.tb_lineno}")
        step = step.tb_next
    return found[::-1]


def judged(error: BaseException) -> Iterator[BaseException]:
    """The failure that ended a case, and what it says again in other words (`said_by`), as long as that judged too."""
    said: BaseException | None = _first(error)
    while said is not None:
        yield said
        said = said.__cause__ if isinstance(said.__cause__, CheckFailure) else None


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note where what ended a case was raised."""
    report = yield
    if call.excinfo and RESULT in item.stash:
        raised = [places(one, item.config.rootpath) for one in judged(call.excinfo.value)]
        line = {"name": name(item.stash[RESULT].key), "raised": raised}
        reports = Path(item.config.getoption("--report-dir"))
        with (reports.parent / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    return report
