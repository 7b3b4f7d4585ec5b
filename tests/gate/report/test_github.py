"""What a step of GitHub Actions gets: a summary that fits, and annotations where the environment asks for them."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gate.report.checklist import answered
from gate.report.github import CUT, MOST_BYTES, annotations, announce, fitting
from gate.report.markdown import render_markdown
from tests.gate.report.samples import FAILED, document, row

SOUND = document(row("a.b"), row("a.c", FAILED, required=False))


def test_outside_of_a_step_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    announce(answered(SOUND), {"GITHUB_STEP_SUMMARY": "", "GITHUB_ACTIONS": "false"})
    announce(answered(SOUND), {})
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.iterdir())


def test_a_step_gets_a_line_for_each_annotation(capsys: pytest.CaptureFixture[str]) -> None:
    announce(answered(SOUND), {"GITHUB_ACTIONS": "true"})
    assert capsys.readouterr().out.splitlines() == annotations(SOUND)


def test_the_summary_is_appended_to_what_the_step_has_written(tmp_path: Path) -> None:
    summary, text = tmp_path / "summary.md", render_markdown(answered(SOUND))
    for _ in range(2):
        announce(answered(SOUND), {"GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.read_text(encoding="utf-8") == text * 2


def test_a_summary_that_can_not_be_written_is_said_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "none/summary.md"), "GITHUB_ACTIONS": "true"}
    (note,) = announce(answered(SOUND), environ)
    where = f"{tmp_path / 'none/summary.md'} (GITHUB_STEP_SUMMARY)"
    assert note == f"the step summary {where} can't be written: No such file or directory"
    assert capsys.readouterr().out.splitlines() == annotations(SOUND)


@pytest.mark.parametrize("spare, cut", [(0, False), (-1, True)])
def test_the_summary_of_a_step_fits_into_a_mebibyte(tmp_path: Path, spare: int, *, cut: bool) -> None:
    summary, text = tmp_path / "summary.md", render_markdown(answered(SOUND))
    before = 2**20 - len(text.encode()) - spare
    summary.write_text("x" * before)
    announce(answered(SOUND), {"GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.stat().st_size <= MOST_BYTES == 2**20
    assert summary.read_text(encoding="utf-8").endswith(CUT) is cut


@example(text="line\n" * 100, most=200)
@example(text="x" * 300, most=200)
@example(text="x" * 300, most=len(CUT.encode()) + 1)
@given(text=st.text(st.characters(codec="utf-8"), max_size=400), most=st.integers(0, 600))
def test_what_does_not_fit_ends_with_a_whole_line_and_a_note(text: str, most: int) -> None:
    fits = fitting(text, most)
    assert len(fits.encode()) <= max(most, 0)
    if len(text.encode()) <= most:
        assert fits == text
    elif most <= len(CUT.encode()):
        assert fits == ""
    else:
        kept = fits.removesuffix(CUT)
        assert fits == kept + CUT
        assert text.startswith(kept)
        assert not kept or text[len(kept)] == "\n"
