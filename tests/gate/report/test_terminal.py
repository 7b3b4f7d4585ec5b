"""The terminal: quiet, in order, within 80 columns, and without colour where there is no terminal."""

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from gate.document import with_causes
from gate.outcomes import Outcome
from gate.report.checklist import answered
from gate.report.terminal import console_for, print_verdict
from gate.run import Result
from gate.session.live_progress import Live
from tests.gate.documents import make_check, make_document

P, F, B = Outcome.PASSED, Outcome.FAILED, Outcome.BROKEN
OUTCOMES = {"threads.order": F, "auth.latency": P, "logs.canary": B, "websocket.steady": Outcome.PENDING}


def printed(tmp_path: Path, outcomes: dict[str, Outcome], width: int = 80, *, terminal: bool = False) -> str:
    file = io.StringIO()
    document = make_document(tmp_path, outcomes)
    print_verdict(
        answered(document), tmp_path, Console(file=file, width=width, force_terminal=terminal, highlight=False)
    )
    return file.getvalue()


def test_failures_come_first_and_the_verdict_last(tmp_path: Path) -> None:
    lines = [line for line in printed(tmp_path, OUTCOMES).splitlines() if line.strip()]
    assert lines[0] == "FAILED threads.order"
    labels = [line.partition(":")[0].strip() for line in lines[1:6]]
    assert labels[0] == "requirement"
    text = "\n".join(lines)
    order = [
        "expected:",
        "actual:",
        "what to do:",
        "logs.canary",
        "Deployment checklist",
        "Success metrics",
        "VERDICT:",
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    assert lines[-1].startswith("VERDICT: NO-GO revision=service-00001-abc target=mini exit_code=1")
    assert lines[-2].startswith("report: ")


def test_eighty_columns_suffice(tmp_path: Path) -> None:
    lines = printed(tmp_path, OUTCOMES).splitlines()
    assert max(len(line.rstrip()) for line in lines if not line.startswith(("VERDICT:", "report:"))) <= 80


def test_a_folder_with_a_line_break_in_its_name_says_no_verdict(tmp_path: Path) -> None:
    text = printed(tmp_path / "x\nVERDICT: GO", {"threads.order": F})
    assert [line for line in text.splitlines() if line.startswith("VERDICT")] == [text.splitlines()[-1]]


def test_colour_is_for_terminals(tmp_path: Path) -> None:
    assert "\x1b[" not in printed(tmp_path, {"a.b": P})
    assert "\x1b[" in printed(tmp_path, {"a.b": P}, terminal=True)


def test_many_cases_of_one_cause_are_one_line(tmp_path: Path) -> None:
    text = printed(tmp_path, {f"a.case{n}": F for n in range(40)})
    assert text.count("FAILED 40 cases") == 1
    assert "a.case0, a.case1, a.case2, a.case3 and 36 more" in " ".join(text.split())


def test_many_causes_are_shown_in_part_and_the_rest_counted(tmp_path: Path) -> None:
    document = make_document(tmp_path, {f"{first}{second}.case": F for first in "abcd" for second in "abcdefghij"})
    rows = [msgspec.structs.replace(row, actual=f"{row.family} is wrong", server_lines=[]) for row in document.checks]
    file = io.StringIO()
    report = answered(with_causes(msgspec.structs.replace(document, checks=rows)))
    print_verdict(report, tmp_path, Console(file=file, width=80, highlight=False))
    text = file.getvalue()
    assert text.count(".case\n    requirement") == 8
    assert "and 32 more causes of 32 cases" in text


def test_the_last_lines_name_each_cause_whom_to_call_and_the_way_back(tmp_path: Path) -> None:
    lines = printed(tmp_path, OUTCOMES, width=200).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("1. 1 case: threads.order"))
    end = lines[start:]
    assert "call: backend engineer" in end[0]
    assert end[1].startswith("2. 1 case: logs.canary")
    assert "go back: gcloud run services update-traffic …" in end
    assert "go back" not in printed(tmp_path, {"auth.latency": P, "logs.canary": B})


def result(check_id: str, outcome: Outcome) -> Result:
    return Result(
        check=make_check(check_id, remedy=""),
        case="",
        outcome=outcome,
    )


@pytest.mark.parametrize("verbose", [False, True], ids=["quiet", "-v"])
def test_while_it_runs_there_is_a_line_a_family_and_with_v_a_line_a_case(*, verbose: bool) -> None:
    file = io.StringIO()
    live = Live(file, verbose=verbose)
    for one in (result("auth.accepts", P), result("auth.refuses", F), result("logs.canary", P)):
        live.begin(one)
        live.end(one)
    live.close()
    lines = [line.split()[0:2] for line in file.getvalue().splitlines()]
    families = [["auth", "1"], ["logs", "1"]]
    cases = [["PASSED", "auth.accepts"], ["FAILED", "auth.refuses"], ["PASSED", "logs.canary"]]
    assert lines == ([*cases[:2], families[0], cases[2], families[1]] if verbose else families)
    assert "1 PASSED, 1 FAILED" in file.getvalue()


def test_no_text_becomes_a_picture() -> None:
    file = io.StringIO()
    console_for(file).print("app.py:100: in change, state :id:", markup=False)
    assert file.getvalue() == "app.py:100: in change, state :id:\n"
