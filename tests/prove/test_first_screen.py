"""What a reader sees first names every cause, or the check of it says what is missing."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from gate.document import with_causes
from gate.outcomes import Outcome
from gate.report.artifacts import write_all
from gate.report.checklist import answered
from tests.gate.documents import make_document
from tests.prove.first_screen import complaints, main

FAMILIES = ("threads", "health", "browser")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of three causes with all that is rendered of it."""
    document = make_document(tmp_path, {f"{family}.order": Outcome.FAILED for family in FAMILIES})
    rows = [replace(row, actual=f"{row.family} <is> wrong | so", server_lines=[]) for row in document.checks]
    write_all(tmp_path, answered(with_causes(replace(document, checks=rows))))
    return tmp_path


def test_three_causes_are_named_by_page_summary_and_terminal(folder: Path) -> None:
    assert complaints(folder, 3) == []
    assert main([str(folder), "3"]) == 0


def test_another_number_of_causes_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "2"]) == 1
    assert "3 causes of what failed instead of 2" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["report.html", "summary.md"])
def test_a_report_that_lacks_a_cause_is_named(folder: Path, name: str) -> None:
    path = folder / name
    path.write_text(path.read_text(encoding="utf-8").replace("browser.order", "browser"), encoding="utf-8")
    assert [one for one in complaints(folder, 3) if "browser.order" in one]


def test_more_causes_than_a_page_begins_with_are_said(folder: Path) -> None:
    document = make_document(folder, {f"{first}.order": Outcome.FAILED for first in "abcdef"})
    rows = [replace(row, actual=f"{row.family} is wrong", server_lines=[]) for row in document.checks]
    write_all(folder, answered(with_causes(replace(document, checks=rows))))
    assert len(complaints(folder, 6)) == 4  # two of the page's, two of the terminal's
