"""Every artifact is well-formed, whatever the server sent, and their counts agree."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from msgspec import to_builtins

from gate.document import SCHEMA
from gate.figures import Accrual
from gate.outcomes import Outcome
from gate.plots import (
    ClosesPlot,
    ErrorsByHourPlot,
    LatencyPlot,
    Plot,
    RoundTripPlot,
    SequencePlot,
    SessionsPlot,
    WindowsPlot,
)
from gate.report import allure
from gate.report.checklist import answered
from gate.report.github import announce
from gate.report.html import render_html
from gate.report.plots import draw
from gate.verdict_document import Document, encode
from tests.gate.documents import make_document

SCRIPT = (
    (Path(__file__).resolve().parents[3] / "gate/report/templates/report.js").read_text(encoding="utf-8").rstrip("\n")
)
MIXED = {f"family{'abc'[n % 3]}.check{n}": outcome for n, outcome in enumerate([*Outcome, *Outcome, Outcome.PASSED])}
GOOD = {"auth.latency": Outcome.PASSED, "logs.zero-500": Outcome.PASSED}


@pytest.fixture(params=["mixed", "good"])
def document(request: pytest.FixtureRequest, tmp_path: Path) -> Document:
    return make_document(tmp_path, MIXED if request.param == "mixed" else GOOD)


def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_verdict_fits_its_published_schema(document: Document) -> None:
    _validator().validate(json.loads(encode(document)))


@pytest.mark.parametrize("broken", [{"verdict": "MAYBE"}, {"exit_code": 7}, {"residue": -1}, {"surprise": 1}])
def test_the_schema_refuses_what_is_none(tmp_path: Path, broken: dict[str, object]) -> None:
    document = to_builtins(make_document(tmp_path, GOOD)) | broken
    assert not _validator().is_valid(document)


def test_a_go_with_something_missing_is_no_valid_verdict(tmp_path: Path) -> None:
    assert not _validator().is_valid(to_builtins(make_document(tmp_path, GOOD)) | {"missing": ["data.owner"]})


class _Page(HTMLParser):
    """Collects what a self-contained page must not have, and the headings that it must."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.headings: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in {"link", "iframe", "img", "object"} or (tag == "script" and attrs):
            self.outside.append(tag)
        self.outside += [value for name in ("src", "href") if (value := values.get(name)) and "//" in value]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))


def test_the_page_is_self_contained_and_escapes_what_the_server_sent(document: Document) -> None:
    text = render_html(answered(document))
    page = _Page()
    page.feed(text)
    assert page.outside == []
    assert text.count("<script") == 1, "the page's own, and nothing that a server sent"
    assert f"<script>{SCRIPT}</script>" in text
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(page.headings, page.headings[1:], strict=False))


def test_no_secret_in_any_spelling_reaches_the_document(tmp_path: Path) -> None:
    document = make_document(tmp_path, MIXED, secrets=("alert",))
    assert "alert" not in encode(make_document(tmp_path, MIXED, secrets=("script>alert",))).decode().replace(
        "redacted", ""
    )
    assert document.verdict == "NO-GO"


def test_the_step_summary_is_appended_on_github_only(
    document: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    announce(answered(document), {})
    assert capsys.readouterr().out == ""
    announce(answered(document), {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.read_text().startswith("before\n# ")
    failed = sum(cause.outcome == "FAILED" for cause in document.causes)
    assert capsys.readouterr().out.count("::error") == (failed + 1 if failed else 0)  # and one for the verdict


def test_the_history_id_of_a_case_follows_its_name(tmp_path: Path) -> None:
    ids = []
    for number in range(2):
        folder = tmp_path / str(number)
        allure.finish(folder, make_document(tmp_path, GOOD))
        ids.append({json.loads(path.read_text())["historyId"] for path in folder.glob("*-result.json")})
    assert ids[0] == ids[1]
    assert len(ids[0]) == len(GOOD)


def window(start: str, end: str, n: int, events: int, *, proved: bool) -> Accrual:
    return Accrual(
        kind="window",
        start=f"2026-01-07T{start}Z",
        end=f"2026-01-07T{end}Z",
        need_s=86_400,
        proved=proved,
        events=events,
        n=n,
        hours=0,
        hour_s=3600,
        group="",
        shard=0,
        shards=1,
    )


ERRORS = ErrorsByHourPlot(hours=[f"07 Jan {hour:02}:00" for hour in range(24)], counts=[0] * 22 + [3, 0])
PLOTS: list[Plot] = [
    LatencyPlot(ms=[1.0, 2.0, 150.0], limit_ms=100.0, clock="server"),
    SequencePlot(at_s=[0.0, 1.0], ms=[1.0, 2.0], limit_ms=100.0),
    SessionsPlot(at_s=[0.0, 1.0], open=[1, 2]),
    ClosesPlot(by_class={"closes": [1.0, 2.0]}),
    RoundTripPlot(at_s=[0.0, 1.0], p50_ms=[1.0, 1.1], p95_ms=[2.0, 2.2]),
    ERRORS,
    WindowsPlot(
        spans=[window("00:00:00", "06:00:00", 9, 0, proved=True), window("06:00:00", "07:00:00", 3, 2, proved=False)]
    ),
]


def test_every_kind_of_plot_is_drawn_in_the_pages_colours_with_a_text_instead() -> None:
    assert {type(plot) for plot in PLOTS} == set(get_args(Plot))
    for number, plot in enumerate(PLOTS):
        svg, text = draw(plot, number)
        assert svg.startswith('<svg role="img" aria-label="')
        assert len(text) > 20
        assert "var(--" in svg
        assert not re.search(r"#[0-9a-f]{3,6}\b|NaN|inf", svg)
        ET.fromstring(svg)  # noqa: S314 - our own


def test_the_plot_of_errors_names_the_worst_hour() -> None:
    assert draw(ERRORS, 0)[1] == "3 server errors in 24 hours, most of them (3) in the hour from 07 Jan 22:00."
    assert draw(ErrorsByHourPlot(hours=["07 Jan 00:00"], counts=[0]), 0)[1] == "0 server errors in 1 hour."
