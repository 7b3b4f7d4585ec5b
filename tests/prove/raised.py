"""A pytest plugin of the struck-out judgements: on which raise each case of a run that did not pass ended.

It writes `raised.jsonl` beside the report folder: a line a case, with its name and `file:line`, innermost first, of
every frame that is the project's own.
"""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from gate.session.case_outcome import RESULT
from gate.verdict import name

FILE = "raised.jsonl"


def places(error: BaseException, tree: Path) -> list[str]:
    """The frames of an error's traceback that lie in a tree, innermost first. Of a group, its first error's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    found, step = list[str](), error.__traceback__
    while step is not None:
        path = Path(step.tb_frame.f_code.co_filename)
        if path.is_relative_to(tree):
            found.append(f"{path.relative_to(tree)}:{step.tb_lineno}")
        step = step.tb_next
    return found[::-1]


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note where what ended a case was raised."""
    report = yield
    if call.excinfo and RESULT in item.stash:
        line = {"name": name(item.stash[RESULT].key), "raised": places(call.excinfo.value, item.config.rootpath)}
        reports = Path(item.config.getoption("--report-dir"))
        with (reports.parent / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    return report
