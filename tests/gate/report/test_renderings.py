"""What each format says of a verdict, word for word, and where each of them stops."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from gate.outcomes import Verdict
from gate.report.allure import finish
from gate.report.checklist import Report, answered
from gate.report.github import annotations
from gate.report.junit import render_junit
from gate.report.markdown import render_markdown
from gate.report.terminal import WIDTH_WITHOUT_TERMINAL, console_for, print_verdict
from gate.verdict_document import Changes, Document
from tests.gate.report.renderings import EXPECTED, RENDERINGS
from tests.gate.report.samples import BROKEN, FAILED, PENDING, cause, document, of_causes, refuted, row

GO, NO_GO, OPEN = Verdict.GO, Verdict.NO_GO, Verdict.INCONCLUSIVE


@pytest.mark.parametrize("name", RENDERINGS)
def test_a_sample_is_rendered_as_it_was_reviewed(name: str) -> None:
    assert RENDERINGS[name]() == (EXPECTED / f"{name}.txt").read_text(encoding="utf-8")


def test_every_rendering_has_its_file_and_every_file_its_rendering() -> None:
    assert {path.stem for path in EXPECTED.iterdir()} == set(RENDERINGS)


def on_terminal(report: Report) -> list[str]:
    file = io.StringIO()
    print_verdict(report, Path("/x"), Console(file=file, width=120, highlight=False))
    return file.getvalue().splitlines()


@pytest.mark.parametrize("number, shown, left", [(8, 8, ""), (9, 8, "… and 1 more causes of 1 cases, in the report.")])
def test_the_terminal_shows_eight_causes_and_counts_the_rest(number: int, shown: int, left: str) -> None:
    lines = on_terminal(answered(of_causes(number)))
    assert sum(line.startswith("FAILED threads.c") for line in lines) == shown
    assert [line for line in lines if line.startswith("…")] == ([left] if left else [])
    assert [line for line in lines if line.startswith("and ")] == [f"and {number - 4} more causes"]
    assert "4. 1 case: sentence threads.c3 (call: backend engineer on duty)" in lines
    assert not any(line.startswith("5. ") for line in lines)
    assert "and" not in [line.partition(" ")[0] for line in on_terminal(answered(of_causes(4)))]


def test_a_long_sentence_is_cut_on_the_terminal_and_a_traceback_ends_with_its_last_six_lines() -> None:
    long, traceback = "word " * 400, "\n".join(f"line {number}" for number in range(9))
    many = ("threads.a", "threads.b")
    rows = [row(name, FAILED, actual="seen") for name in many]
    causes = [cause(long, *many, traceback=f"{traceback}\n"), cause("s" * 300, *many), cause("s" * 301, *many)]
    lines = on_terminal(answered(document(*rows, verdict=NO_GO, exit_code=1, causes=causes)))
    text = "\n".join(lines)
    assert [line.strip() for line in lines if "server:" in line] == [
        f"server:      line {number}" for number in range(3, 9)
    ]
    assert text.count("s" * 104) >= 4
    assert text.replace("\n", "").count("s" * 300) == 1
    assert text.replace("\n", "").count("s" * 299 + "…") == 1


def test_a_selection_is_printed_without_the_release() -> None:
    lines = on_terminal(answered(replace(refuted(), selection="--check threads.*")))
    assert "The clock jumped." in lines
    assert not any(line.startswith(("Deployment checklist", "1. ", "go back")) for line in lines)
    assert "The clock jumped." not in on_terminal(answered(refuted()))
    assert "revision=unknown" in on_terminal(answered(replace(refuted(), revision="")))[-1]


def test_a_file_is_as_wide_as_a_hundred_characters() -> None:
    assert console_for(io.StringIO()).width == WIDTH_WITHOUT_TERMINAL == 100


@pytest.mark.parametrize("number, left", [(12, 0), (13, 1), (15, 3)])
def test_a_summary_has_twelve_causes(number: int, left: int) -> None:
    text = render_markdown(answered(of_causes(number)))
    assert text.count("### ❌ 1 case: sentence") == 12
    assert ("12. **1 case**" in text, "13. **1 case**" in text) == (True, False)
    assert (f"… and {left} more causes: see `report.html`." in text) is bool(left)


def test_a_summary_lists_twenty_five_cases_and_changes_and_eight_that_are_missing() -> None:
    def summary(changed: int, missing: int, cases: int) -> str:
        names = [f"threads.c{place}" for place in range(cases)]
        names_changed = [f"a.c{place}" for place in range(changed)]
        changes = Changes(since="s", revision="r", newly_failing=names_changed, newly_passing=[], moved=[])
        given = {"causes": [cause("s", *names)], "changes": changes, "missing": [f"m.c{one}" for one in range(missing)]}
        rows = [row(name, FAILED, actual="x") for name in names]
        return render_markdown(answered(document(*rows, verdict=NO_GO, exit_code=1, reason="r", **given)))

    fits, more = summary(25, 8, 25), summary(27, 9, 27)
    assert fits.count("- newly failing: `a.c") == more.count("- newly failing: `a.c") == 25
    assert "- newly failing: and 2 more" in more
    assert "- 9 required cases did not run: `m.c0`," in more
    assert "`m.c7` and 1 more." in more
    assert fits.count("got x") == more.count("got x") == 25
    assert "\n- and 2 more\n" in more
    assert " more" not in fits
    nothing = Changes(since="s", revision="r", newly_failing=[], newly_passing=[], moved=[])
    assert "- nothing newly fails or passes, and no figure has moved" in render_markdown(
        answered(document(changes=nothing))
    )
    assert render_markdown(answered(document(revision=""))).startswith("# GO: mini, revision not known\n")
    assert "Cases: none." in render_markdown(answered(document()))


@pytest.mark.parametrize("number, shown, left", [(9, 9, ""), (10, 8, "2 more causes")])
def test_annotations_leave_room_for_the_verdict(number: int, shown: int, left: str) -> None:
    lines = annotations(of_causes(number))
    assert sum("title=threads.c" in line for line in lines) == shown
    assert [line for line in lines if "more causes" in line] == (
        [f"::error title={left}::see the step summary"] if left else []
    )


def test_annotations_warn_of_what_is_open_and_required() -> None:
    rows = [row("a.b", BROKEN, required=False), row("a.c", BROKEN), row("a.d", FAILED, required=False)]
    causes = [cause("x: 50%, \r\n", one.name, outcome=one.outcome, remedy="") for one in rows]
    lines = annotations(document(*rows, verdict=OPEN, exit_code=10, reason="open", causes=causes, revision=""))
    assert lines == [
        "::warning title=INCONCLUSIVE%3A mini::Open.",
        "::error title=a.d::x: 50%25, %0D%0A",
        "::warning title=a.c::x: 50%25, %0D%0A",
    ]
    assert annotations(document())[0].startswith("::notice title=GO%3A mini service-00001-abc::")


def test_xml_keeps_tabs_and_lines_and_shows_other_control_characters() -> None:
    seen = "\t\n\r \x1f\x00\x7f\ud800\udfff\ufffe\uffffé"
    text = render_junit(answered(document(row("a.b", FAILED, actual=seen), verdict=NO_GO, exit_code=1)))
    assert "actual: \t\n\r \\x1f\\x00\x7fé</failure>" in text


def test_a_case_that_is_pending_is_skipped_with_its_reason() -> None:
    text = render_junit(answered(document(row("a.b", PENDING, reason="later"), verdict=OPEN, exit_code=10)))
    assert '<skipped message="PENDING: later" />' in text


def results(folder: Path, *given: dict[str, Any], of: Document) -> list[dict[str, Any]]:
    """What is left of these results of pytest's, and what was added, when Allure's folder is finished."""
    for number, result in enumerate(given):
        (folder / f"{number}-result.json").write_text(json.dumps(result))
    finish(folder, of, {})
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*-result.json"))]


def test_allure_keeps_what_pytest_saw_of_a_case_and_drops_what_the_verdict_does_not_know(tmp_path: Path) -> None:
    labels = [{"name": "netra-case", "value": "a.b"}, {"name": "host", "value": "h"}, {"name": "tag", "value": "t"}]
    seen = {"name": "test_b", "start": 5, "uuid": "u", "labels": labels}
    stray = {"name": "test_c", "labels": [{"name": "netra-case", "value": "a.c"}]}
    (one,) = results(tmp_path, seen, stray, {"name": "none"}, of=document(row("a.b")))
    assert (one["name"], one["start"], one["uuid"], one["status"]) == ("a.b", 5, "u", "passed")
    assert [label["name"] for label in one["labels"]] == ["host", "epic", "feature", "story", "severity", "netra-case"]
    assert not (tmp_path / "executor.json").exists()


def test_allure_has_a_broken_result_of_the_verdict_where_nothing_else_is_red(tmp_path: Path) -> None:
    open_ = document(row("a.b", PENDING), verdict=Verdict.INCONCLUSIVE, exit_code=10, reason="time is owed")
    found = {one["name"]: one for one in results(tmp_path, of=open_)}
    whole = found["verdict: INCONCLUSIVE"]
    assert (whole["status"], whole["statusDetails"]["message"]) == ("broken", "INCONCLUSIVE: time is owed")
    assert whole["stop"] - whole["start"] == 90_500
    assert found["a.b"]["stop"] - found["a.b"]["start"] == 250
    red = {one["name"] for one in results(tmp_path, of=refuted())}
    assert not [name for name in red if name.startswith("verdict")]
    assert len(list(tmp_path.glob("*-globals.json"))) == 1, "of an earlier look at the same folder nothing is left"
