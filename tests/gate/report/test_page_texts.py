"""The small texts of the page: how long, cut where, in which cell, under which anchor, in which section."""

import pytest

from gate.figures import make_figure
from gate.outcomes import Outcome, Verdict
from gate.report.checklist import answered
from gate.report.html import (
    FILTERS,
    _failures,
    _lasting,
    _missing,
    _sections,
    _span,
    _unproved,
    render_html,
)
from gate.verdict_document import Estimate, GateInput, GatePart
from tests.gate.report.samples import BROKEN, FAILED, PENDING, cause, document, refuted, row


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.4, "0 s"),
        (119.4, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2 hours"),
        (9000, "2.5 hours"),
        (172_799, "48 hours"),
        (172_800, "2 days"),
        (1_000_000, "11.6 days"),
    ],
)
def test_a_time_is_said_in_the_unit_of_which_it_has_two(seconds: float, text: str) -> None:
    assert _lasting(seconds) == text


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("anchor", "auth.refuses[alg none]", "case-auth.refuses_5balg_20none_5d"),
        ("cell", {"200": 3, "404": 1}, "200 3, 404 1"),
        ("cell", ["a", 2], "a, 2"),
        ("cell", None, "None"),
        ("coded", "see `a < b` and `c`", "see <code>a &lt; b</code> and <code>c</code>"),
        ("limited", "x" * 4000, "x" * 4000),
        ("limited", "x" * 4001, "x" * 4000 + "… (4,001 characters; all of them are in verdict.json)"),
        ("moment", "2026-01-07T01:02:03.9+01:00", "07 Jan 2026, 00:02:03 UTC"),
        ("pretty", "text", "text"),
        ("pretty", {"a": [1]}, '{\n "a": [\n  1\n ]\n}'),
        ("log_text", "\n".join(map(str, range(12))), "\n".join(map(str, range(12)))),
        ("log_text", "\n".join(map(str, range(13))), "0\n1\n2\n  … 2 lines …\n5\n6\n7\n8\n9\n10\n11\n12"),
        ("log_text", "y" * 501, "y" * 500 + "… (501 characters; all of them are in verdict.json)"),
    ],
)
def test_a_filter_makes_a_text_of_a_value(name: str, value: object, text: str) -> None:
    assert str(FILTERS[name](value)) == text  # type: ignore[operator]  # filters take what templates have


def test_what_was_covered_and_estimated_is_said_with_its_bounds() -> None:
    covered = FILTERS["covered"](make_figure("r", covered_s=5400, need_s=86_400))  # type: ignore[operator]  # same
    assert covered == "1.5 of 24 hours covered without a gap"
    assert FILTERS["covered"](make_figure("r")) == "0 of 0 hours covered without a gap"  # type: ignore[operator]  # same
    assert FILTERS["estimate"](Estimate(41.256, 38.04, 44), "ms") == "41.3 ms (38 to 44)"  # type: ignore[operator]  # same


def test_only_lists_of_objects_with_the_same_keys_are_tables() -> None:
    same, other = [{"a": 1, "b": 2}, {"a": 3, "b": 4}], [{"a": 1}, {"b": 2}]
    evidence = {"same": same, "other": other, "none": [], "texts": ["a"], "mixed": [{"a": 1}, 2], "object": {"a": 1}}
    assert FILTERS["tables"](row("a.b", evidence=evidence)) == {"same": same}  # type: ignore[operator]  # same


def test_what_ran_and_did_not_pass_is_listed_by_how_bad_it_is() -> None:
    rows = [row("a.p", PENDING), row("a.b", BROKEN), row("a.f", FAILED), row("a.m", BROKEN), row("a.g")]
    found = _failures(document(*rows, missing=["a.m"], verdict=Verdict.NO_GO, exit_code=1))
    assert [one.name for one in found] == ["a.f", "a.b", "a.p"]


def test_what_is_missing_or_not_offered_is_grouped() -> None:
    rows = [
        row("a.b[x]", PENDING, reason="did not run"),
        row("a.b[y]", PENDING, reason="did not run"),
        row("a.c", PENDING, reason="not reached"),
        row("d.e[x]", Outcome.NOT_APPLICABLE, reason="no database"),
        row("d.e[y]", Outcome.NOT_APPLICABLE, reason="no database"),
        row("d.f", Outcome.NOT_APPLICABLE, reason="no database"),
    ]
    found = document(*rows, missing=["a.b[x]", "a.b[y]", "a.c"], verdict=Verdict.INCONCLUSIVE, exit_code=10)
    assert _missing(found) == {
        "a.b": {"reason": "did not run", "cases": ["x", "y"]},
        "a.c": {"reason": "not reached", "cases": []},
    }
    assert _unproved(rows) == {"no database": ["d.e", "d.f"]}


def test_a_gates_span_is_from_its_first_run_to_its_last() -> None:
    inputs = [
        GateInput(
            run_id=str(hour),
            phase="smoke",
            verdict="GO",
            started=f"2026-01-07T{hour:02}:00:00Z",
            ended=f"2026-01-07T{hour:02}:30:00Z",
            counts=True,
            note="",
        )
        for hour in (5, 3)
    ]
    gate = document(gate=GatePart("store", inputs, []))
    assert _span(gate) == "2.5 hours"
    assert _span(document()) == _span(document(gate=GatePart("store", [], []))) == ""


def test_the_page_has_only_sections_with_something_in_them() -> None:
    always = ["metrics", "checklist", "unproved", "rollback", "cases"]
    assert [anchor for anchor, _ in _sections(document(), [], [])] == always
    assert [anchor for anchor, _ in _sections(document(verdict=Verdict.INCONCLUSIVE, exit_code=10), [], [])] == [
        "next",
        *always,
    ]
    gate = document(gate=GatePart("store", [], []), causes=[cause("s", "a.b")])
    shown = dict(_sections(gate, [row("a.b")], [1]))
    assert shown["causes"] == "Causes (1)"
    assert shown["failures"] == "Did not pass (1)"
    assert {"next", "runbook", "measurements", "runs"} <= shown.keys()
    assert {"changes", "known"} <= dict(_sections(refuted(), [], [])).keys()


def test_the_page_has_sixty_cards_and_twelve_causes() -> None:
    rows = [row(f"a.c{number}", FAILED, actual="seen") for number in range(62)]
    causes = [cause(f"sentence-{number}-", f"a.c{number}") for number in range(14)]
    page = render_html(answered(document(*rows, verdict=Verdict.NO_GO, exit_code=1, reason="r", causes=causes)))
    cards = [number for number in range(62) if f'id="case-a.c{number}"' in page]
    assert cards == list(range(60))
    assert "<dd>90 s</dd>" in page
    assert [number for number in range(14) if f'id="runbook-a.c{number}"' in page] == list(range(12))
