"""The words that all reports share: figures, moments, causes in one line, links, and when a verdict is news."""

import pytest
from msgspec.structs import replace

from gate.figures import ServerLine, make_figure
from gate.outcomes import Verdict
from gate.report.causes import causes_in_words, revision_link, scope, way_back
from gate.report.checklist import Report, answered
from gate.report.wording import brief, rerun, sentence, show_about, show_figure, show_value, worst_first
from gate.telling.message import Message, compose, is_news
from tests.gate.report.samples import FAILED, TRACE, cause, document, of_causes, refuted, row

GO, NO_GO, OPEN = Verdict.GO, Verdict.NO_GO, Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "stated, value, about",
    [
        ({"value": 41.23456, "unit": "ms"}, "41.235", ""),
        ({"value": 3, "n": 4, "limit": 4}, "3 of 4", ""),
        ({"value": 3, "n": 4, "limit": 4, "unit": "s"}, "3", "limit 4 s, n=4"),
        ({"value": 3, "n": 4, "limit": 4, "confidence": 0.95}, "3", "limit 4, n=4, 95% confidence"),
        ({"value": 0, "n": 0, "limit": 0}, "0", "limit 0, n=0"),
        ({"value": float("inf"), "unit": "ms"}, "infinite", ""),
        ({"value": 1, "interval": (0.12345, 2)}, "1", "between 0.123 and 2"),
        ({"value": 1, "interval": (0, float("inf"))}, "1", ""),
        ({"value": 1, "hazard_per_hour": 0.0}, "1", "at most 0 per hour"),
        ({"value": 1, "window": "10 s"}, "1", "10 s"),
    ],
)
def test_a_figure_is_shown_with_what_it_states(stated: dict[str, object], value: str, about: str) -> None:
    figure = make_figure("rule", **stated)
    assert show_value(figure) == value
    assert show_about(figure) == about
    unit = f" {stated['unit']}" if stated.get("unit") else ""
    assert show_figure(figure) == f"{show_value(figure)}{unit}" + (f" ({about})" if about else "")


@pytest.mark.parametrize(
    "text, shown",
    [
        ("2026-01-07T10:00:00Z", "07 Jan 10:00 UTC"),
        ("2026-01-07T10:00:59.9Z to 2026-01-07T12:30:00+01:00", "07 Jan 10:00 to 11:30 UTC"),
        ("2026-01-07T23:59:00Z to 2026-01-08T00:01:00Z", "07 Jan 23:59 to 08 Jan 00:01 UTC"),
        ("none", "none"),
    ],
)
def test_moments_are_short_and_a_day_is_said_once(text: str, shown: str) -> None:
    assert brief(text) == shown


def test_sentences_begin_with_a_capital_and_end_with_a_full_stop() -> None:
    assert [sentence(text) for text in ("it failed", "a.b failed", "It.", "x", "")] == [
        "It failed.",
        "a.b failed.",
        "It.",
        "X.",
        ".",
    ]


def test_the_worst_lines_of_a_server_come_first_otherwise_in_their_order() -> None:
    severities = ["INFO", "WARNING", "ERROR", "DEBUG", "CRITICAL", "ERROR", "ALERT", "EMERGENCY"]
    lines = [ServerLine(str(place), severity, "", "") for place, severity in enumerate(severities)]
    assert [int(line.timestamp) for line in worst_first(lines)] == [7, 6, 4, 2, 5, 1, 0, 3]


def test_a_case_is_run_again_by_its_quoted_name() -> None:
    assert rerun(document(rerun="make x CHECK="), "a.b[it's]") == """make x CHECK='a.b[it'"'"'s]'"""
    assert rerun(document(), "a.b") == ""


def of_cause(text: str, **given: object) -> Report:
    return answered(document(row("a.b", FAILED), verdict=NO_GO, exit_code=1, causes=[cause(text, "a.b", **given)]))


@pytest.mark.parametrize(
    "text, short",
    [
        (f"{'a' * 30} (the server)", "a" * 30),
        (f"{'a' * 29} (the server)", f"{'a' * 29} (the server)"),
        ("a" * 140, "a" * 140),
        ("a" * 141, "a" * 139 + "…"),
    ],
)
def test_a_cause_in_one_line_is_its_first_clause(text: str, short: str) -> None:
    assert causes_in_words(of_cause(text))[0].short == short


def test_a_cause_names_four_cases_two_owners_and_twelve_lines() -> None:
    names = ["auth.a", "threads.b", "threads.c", "logs.d", "auth.e", "threads.f"]
    rows = [row(name, FAILED, claim=f"claim {name}") for name in names]
    traceback = "".join(f"{number}\n" for number in range(14))
    causes = [cause("s", *names, traceback=traceback)]
    (one,) = causes_in_words(answered(document(*rows, verdict=NO_GO, exit_code=1, causes=causes)))
    assert (one.count, one.cases) == ("6 cases", "auth.a, threads.b, threads.c, logs.d and 2 more")
    four = replace(causes[0], cases=names[:4])
    assert causes_in_words(answered(document(*rows, verdict=NO_GO, exit_code=1, causes=[four])))[0].cases == (
        "auth.a, threads.b, threads.c, logs.d"
    )
    assert one.whom_to_call == "backend engineer on duty; auth engineer on duty"
    assert one.traceback == tuple(map(str, range(2, 14)))
    assert [(entry.check_id, entry.requirement) for entry in one.runbook] == [(name, f"claim {name}") for name in names]
    assert one.runbook[0].anchor == "runbook-auth.a"
    assert one.since == "07 Jan 10:00 to 10:05 UTC"


def test_a_request_is_found_in_the_logs_explorer_by_its_trace() -> None:
    lines = [ServerLine("t", "ERROR", "no trace", ""), ServerLine("t", "ERROR", TRACE, "")]
    report = of_cause("s", lines=lines)
    found = replace(report.document, release={"project": "my-project"})
    (one,) = causes_in_words(answered(found))
    query = f"trace%3D%22projects%2Fmy-project%2Ftraces%2F{TRACE}%22"
    assert one.logs_link == f"https://console.cloud.google.com/logs/query;query={query}?project=my-project"
    assert causes_in_words(report)[0].logs_link == ""
    for project in ("My-project", "p", "a" * 31):
        assert causes_in_words(answered(replace(report.document, release={"project": project})))[0].logs_link == ""


def test_a_revision_has_a_page_on_cloud_run_and_only_there() -> None:
    release = {"project": "my-project", "region": "r", "service": "s/s"}
    page = "https://console.cloud.google.com/run/detail/r/s/s/revisions?project=my-project"
    assert revision_link(answered(document(release=release))) == page
    assert revision_link(answered(document(release=release, environment="local"))) == ""
    for lacking in release:
        assert revision_link(answered(document(release=release | {lacking: ""}))) == ""


def test_only_a_no_go_has_a_way_back() -> None:
    assert way_back(answered(refuted())) == "gcloud run\n  go-back"
    assert way_back(answered(document(release={"rollback": ["x"]}))) == ""
    assert way_back(answered(replace(refuted(), release={}))) == ""


@pytest.mark.parametrize(
    "given, said",
    [
        ({"selection": "-k x"}, "of a selection (-k x): no verdict on the release"),
        ({"selection": "x" * 60}, f"of a selection ({'x' * 60}): no verdict on the release"),
        ({"selection": "x" * 61}, "of a selection (1 cases): no verdict on the release"),
        ({"phase": "gate"}, "for all phases, 2 of 5 metrics owed"),
        ({}, "for smoke, 2 of 5 metrics owed"),
    ],
)
def test_a_verdicts_scope_says_what_is_still_owed(given: dict[str, str], said: str) -> None:
    assert scope(answered(document(row("threads.order"), **given))) == said


def message(number: int, reason: str = "it failed") -> Message:
    return compose(answered(replace(of_causes(number), reason=reason)))


def test_a_message_has_three_causes_or_else_the_reason() -> None:
    assert "3. 1 case" in message(3).body
    assert "more causes" not in message(3).body
    assert "4. 1 case" not in message(4).body
    assert message(4).body.endswith("\nand 1 more causes")
    assert message(0).body.endswith("\n\nIt failed.")
    assert message(0).title == "NO-GO: mini, revision service-00001-abc"
    assert compose(answered(document(revision=""))).title.endswith("revision not known")
    assert (compose(answered(document())).good, message(1).good) == (True, False)


def test_a_commit_status_has_a_hundred_and_forty_characters() -> None:
    beginning = len(message(0, "").brief)
    assert message(0, "x" * (140 - beginning)).brief.endswith("xx")
    cut = message(0, "x" * (141 - beginning)).brief
    assert (len(cut), cut[-2:]) == (140, "x…")


@pytest.mark.parametrize(
    "now, before, news",
    [
        (NO_GO, None, True),
        (NO_GO, NO_GO, True),
        (GO, NO_GO, True),
        (GO, GO, False),
        (GO, None, False),
        (OPEN, NO_GO, False),
    ],
)
def test_a_go_is_news_only_after_a_no_go(now: Verdict, before: Verdict | None, news: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_news(now, before) is news
