"""The machine formats: they agree on the counts, fit their schemas, and carry what their readers show."""

import errno
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from rich.console import Console

from gate.document import SCHEMA, with_causes
from gate.outcomes import Outcome
from gate.redaction import Redactor
from gate.report import allure
from gate.report.allure import STATUSES, finish
from gate.report.artifacts import RENDERERS, write_all
from gate.report.checklist import Report, answered
from gate.report.github import CUT, MOST_ANNOTATIONS, annotations, announce, fitting
from gate.report.html import render_html
from gate.report.junit import render_junit
from gate.report.markdown import render_markdown
from gate.report.terminal import print_verdict
from gate.verdict_document import Document, KnownFailure
from tests.gate.documents import make_document

P, F, B = Outcome.PASSED, Outcome.FAILED, Outcome.BROKEN
MIXED = {f"family{'abc'[n % 3]}.check{n}": outcome for n, outcome in enumerate([*Outcome, *Outcome, P])}
# As allure-framework/allure2's model and Allure 3's reader take it; what they do not know they drop without a word.
ALLURE_RESULT = {
    "type": "object",
    "required": ["uuid", "name", "fullName", "historyId", "testCaseId", "status", "start", "stop", "labels"],
    "properties": {
        "uuid": {"type": "string", "pattern": "^[0-9a-f-]{36}$"},
        "historyId": {"type": "string", "minLength": 1},
        "status": {"enum": ["passed", "failed", "broken", "skipped"]},
        "statusDetails": {
            "type": "object",
            "properties": {
                "message": {"type": "string"},
                "trace": {"type": "string"},
                "known": {"type": "boolean"},
                "muted": {"type": "boolean"},
            },
        },
        "start": {"type": "integer", "minimum": 1},
        "stop": {"type": "integer", "minimum": 1},
        "labels": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "value"],
                "properties": {"name": {"type": "string"}, "value": {"type": "string", "minLength": 1}},
            },
        },
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "url", "type"],
                "properties": {"url": {"type": "string", "pattern": "^https://"}},
            },
        },
    },
}


@pytest.fixture(params=["mixed", "good", "nothing"])
def document(request: pytest.FixtureRequest, tmp_path: Path) -> Document:
    told = {"mixed": MIXED, "good": {"auth.latency": P, "logs.zero-500": P}, "nothing": {}}
    return make_document(tmp_path, told[request.param])


def results(folder: Path) -> list[dict[str, Any]]:
    """The results of rows; the verdict itself may be one more."""
    told = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    return [result for result in told if not result["name"].startswith("verdict: ")]


@pytest.fixture
def counts(document: Document) -> Counter[str]:
    """How many rows of the document have each outcome."""
    return Counter(str(row.outcome) for row in document.checks)


def skipped(counts: Counter[str]) -> int:
    """How many are skipped in the words of other formats."""
    return counts["PENDING"] + counts["NOT_APPLICABLE"]


def test_the_documents_counts_are_those_of_its_rows(document: Document, counts: Counter[str]) -> None:
    assert document.counts == dict(sorted(counts.items()))


def test_junits_counts_agree(document: Document, counts: Counter[str]) -> None:
    junit = ET.fromstring(render_junit(answered(document)))  # noqa: S314 - our own output
    told = {key: int(junit.get(key, "")) for key in ("tests", "failures", "errors", "skipped")}
    verdicts_own = int(not document.checks)  # nothing ran, and nothing is red: the verdict is
    assert told == {
        "tests": counts.total() + verdicts_own,
        "failures": counts["FAILED"],
        "errors": counts["BROKEN"] + verdicts_own,
        "skipped": skipped(counts),
    }
    places = ("testcase", "failure", "error", "skipped")
    assert [len(junit.findall(f".//{one}")) for one in places] == list(told.values())
    suites = junit.findall("testsuite")
    assert {key: sum(int(suite.get(key, "")) for suite in suites) for key in told} == told


def test_allures_counts_agree(document: Document, counts: Counter[str], tmp_path: Path) -> None:
    finish(tmp_path / "allure", document)
    statuses = Counter(result["status"] for result in results(tmp_path / "allure"))
    assert statuses == +Counter(
        {
            "passed": counts["PASSED"],
            "failed": counts["FAILED"],
            "broken": counts["BROKEN"],
            "skipped": skipped(counts),
        }
    )
    assert STATUSES.keys() == set(Outcome)


def test_the_counts_of_markdown_page_terminal_and_annotations_agree(
    document: Document, counts: Counter[str], tmp_path: Path
) -> None:
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    assert f"Cases: {said or 'none'}." in render_markdown(answered(document))
    page = render_html(answered(document))
    assert re.findall(r'<article class="failure (\w+)"', page) == [
        one.lower() for one in ("FAILED", "BROKEN", "PENDING") for _ in range(counts[one])
    ]
    assert page.count('</th><td><span class="badge') == counts.total()  # a row a case, in the list of every check
    with (tmp_path / "terminal").open("w") as file:
        print_verdict(answered(document), tmp_path, Console(file=file, width=80))
    printed = (tmp_path / "terminal").read_text()
    assert sum(
        int(number or 1)
        for number in re.findall(r"^(?:FAILED|BROKEN|PENDING) (?:(\d+) cases:)?", printed, re.MULTILINE)
    ) == (counts["FAILED"] + counts["BROKEN"] + counts["PENDING"])
    failed = [cause for cause in document.causes if cause.outcome is Outcome.FAILED]
    errors = sum(line.startswith("::error") for line in annotations(document))
    assert errors == bool(failed) + min(len(failed), MOST_ANNOTATIONS - 1), "a line a cause, and one for the verdict"


def test_every_file_fits_its_schema(document: Document, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write_all(tmp_path / "run", answered(document))
    produced = {path.name for path in (tmp_path / "run").iterdir()}
    assert produced == {
        "verdict.json",
        "summary.md",
        "junit.xml",
        "report.html",
        "metrics.openmetrics",
        "allure-results",
    }
    families = list(text_string_to_metric_families((tmp_path / "run/metrics.openmetrics").read_text()))
    assert {"netra_verify_cases"} <= {one.name for one in families}
    jsonschema.validate(json.loads((tmp_path / "run/verdict.json").read_text()), json.loads(SCHEMA.read_text()))
    check_allure(document, tmp_path / "run/allure-results")
    junit = ET.parse(tmp_path / "run/junit.xml").getroot()  # noqa: S314 - our own output
    _assert_junit(junit)


def check_allure(document: Document, folder: Path) -> None:
    """Each result fits the schema, and each cause is a category of its cases."""
    found = results(folder)
    for result in found:
        jsonschema.validate(result, ALLURE_RESULT)
    assert len({result["historyId"] for result in found}) == len(found)
    categories = json.loads((folder / "categories.json").read_text())
    by_cause = [one["name"] for one in categories if "with one cause" in one["name"]]
    assert len(by_cause) == len(document.causes)
    assert not [one for one in categories if "(?" in one.get("messageRegex", "")], "JavaScript knows no inline flags"
    for cause, category in zip(document.causes, categories, strict=False):
        fitting = [
            one["name"] for one in found if re.fullmatch(category["messageRegex"], one["statusDetails"]["message"])
        ]
        assert sorted(fitting) == sorted(cause.cases)
    assert all(set(one["matchedStatuses"]) <= set(STATUSES.values()) for one in categories)


def _assert_junit(root: ET.Element) -> None:
    """The structure that the readers of GitHub, GitLab and Jenkins agree on."""
    assert root.tag == "testsuites"
    allowed = {
        "testsuite": {"properties", "testcase"},
        "testcase": {"properties", "failure", "error", "skipped", "system-out"},
    }
    for suite in root.findall("testsuite"):
        assert suite.get("name")
        assert re.fullmatch(r"[\d-]+T[\d:.]+Z", suite.get("timestamp", ""))
        for element in suite.iter():
            assert {child.tag for child in element} <= allowed.get(element.tag, {"property"})
        for case in suite.findall("testcase"):
            assert case.get("classname", "").startswith("netra.")
            assert case.get("name")
            assert float(case.get("time", "")) >= 0
            assert sum(case.find(one) is not None for one in ("failure", "error", "skipped")) <= 1
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)


def test_allure_shows_epic_story_severity_owner_and_keeps_what_pytest_knew(tmp_path: Path) -> None:
    folder = tmp_path / "allure"
    folder.mkdir()
    seen = {
        "uuid": "0d4c3503-eb17-40a0-85f4-2ddba0da543d",
        "name": "test_x",
        "start": 5,
        "stop": 9,
        "status": "passed",
        "labels": [{"name": "netra-case", "value": "auth.latency"}, {"name": "host", "value": "vm"}],
    }
    (folder / "a-result.json").write_text(json.dumps(seen))
    (folder / "b-result.json").write_text(json.dumps(seen | {"labels": []}))
    finish(folder, make_document(tmp_path, {"auth.latency": F}))
    (result,) = results(folder)
    labels = {one["name"]: one["value"] for one in result["labels"]}
    assert labels == {
        "epic": "Auth service response time < 100 ms",
        "feature": "auth",
        "story": "it holds",
        "severity": "blocker",
        "owner": "auth engineer on duty",
        "netra-case": "auth.latency",
        "host": "vm",
    }
    assert (result["status"], result["start"]) == ("failed", 5)


def test_allure_links_to_the_revision_and_to_the_failing_requests_log(tmp_path: Path) -> None:
    place = {"project": "netra-staging", "region": "us-central1", "service": "netra-backend-staging"}
    made = make_document(tmp_path, {"auth.latency": F, "auth.accepts": P})
    document = replace(made, environment="staging", release=made.release | place)
    finish(
        tmp_path / "allure",
        document,
        {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"},
    )
    found = {
        result["name"]: [unquote(link["url"]) for link in result["links"]] for result in results(tmp_path / "allure")
    }
    assert len(found["auth.accepts"]) == 1
    assert found["auth.latency"][0].startswith("https://console.cloud.google.com/run/detail/us-central1/netra-backend")
    assert "projects/netra-staging/traces/0af7651916cd43dd8448eb211c80319c" in found["auth.latency"][1]
    executor = json.loads((tmp_path / "allure/executor.json").read_text())
    assert executor["buildUrl"] == "https://github.example/a/b/actions/runs/7"


def test_a_known_failure_is_marked_in_every_format(tmp_path: Path) -> None:
    document = make_document(tmp_path, {"auth.latency": F, "threads.order": P})
    known = KnownFailure(name="auth.latency", owner="ada", reason="waits", expires="2026-12-24", state="still fails")
    row = replace(document.checks[0], known_failure="ada, until 2026-12-24: waits")
    document = with_causes(replace(document, checks=[row, *document.checks[1:]], known_failures=[known]))
    finish(tmp_path / "allure", document)
    details = next(one["statusDetails"] for one in results(tmp_path / "allure") if one["name"] == "auth.latency")
    assert (details["known"], details["muted"]) == (True, True)
    assert "known failure" in render_html(answered(document))
    assert "| `auth.latency` | still fails | ada | 2026-12-24 | waits |" in render_markdown(answered(document))
    assert 'name="known_failure" value="ada, until 2026-12-24: waits"' in render_junit(answered(document))
    assert not [line for line in annotations(document) if "title=auth.latency" in line]


def test_at_most_ten_annotations_of_a_kind_and_the_rest_counted(tmp_path: Path) -> None:
    outcomes = {f"a.broken{n}": B for n in range(18)} | {f"a.failed{n}": F for n in range(18)}
    document = make_document(tmp_path, outcomes)
    causes = [cause for cause in document.causes for _ in range(18)]
    lines = annotations(replace(document, causes=causes))
    kinds = Counter(line.partition(" ")[0] for line in lines)
    assert kinds == {"::error": 10, "::warning": 10}
    assert "title=NO-GO" in lines[0]
    assert any("10 more" in line for line in lines)
    assert all("\n" not in line for line in lines)


@pytest.mark.parametrize("outcome,kind", [(P, "notice"), (F, "error"), (B, "warning")])
def test_the_verdict_is_an_annotation_of_its_own_kind(tmp_path: Path, outcome: Outcome, kind: str) -> None:
    assert annotations(make_document(tmp_path, {"a.b": outcome}))[0].startswith(f"::{kind} ")


def test_a_summary_that_does_not_fit_is_cut_at_a_line_and_says_so(tmp_path: Path) -> None:
    text = "\n".join(["Grüße " * 20] * 100)
    cut = fitting(text, 5000)
    assert len(cut.encode()) <= 5000
    assert cut.endswith(CUT)
    assert cut.removesuffix(CUT).splitlines()[-1] == "Grüße " * 20
    assert fitting(text, 10) == ""
    full = tmp_path / "summary"
    full.write_bytes(b"x" * (1024 * 1024 - 400))
    announce(answered(make_document(tmp_path, MIXED)), {"GITHUB_STEP_SUMMARY": str(full)})
    assert full.stat().st_size <= 1024 * 1024


def test_a_renderer_that_crashes_takes_nothing_from_verdict_and_other_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(report: Report) -> str:
        raise KeyError(report.document.run_id)

    monkeypatch.setitem(RENDERERS, "report.html", crash)
    (problem,) = write_all(tmp_path, answered(make_document(tmp_path, {"a.b": P})))
    assert problem.startswith("report.html could not be rendered (KeyError")
    assert {"verdict.json", "junit.xml", "summary.md", "allure-results"} <= {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / "report.html").exists()


def test_a_result_of_allures_that_does_not_fit_ends_no_run() -> None:
    def full(_item: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    allure._unless_a_container(full, Redactor(), {"name": "a result"})
