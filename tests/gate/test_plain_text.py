"""Whatever a server says, every report stays a report: nothing in it is obeyed, and none of our lines is forged."""

import io
import json
import re
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gate.document import build
from gate.evidence import Recorder
from gate.figures import ServerLine
from gate.outcomes import EXIT_CODES, Outcome
from gate.plain_text import neutralise
from gate.report.checklist import answered
from gate.report.github import annotations
from gate.report.html import render_html
from gate.report.junit import render_junit
from gate.report.markdown import render_markdown
from gate.report.openmetrics import render_openmetrics
from gate.report.otlp import spans
from gate.report.terminal import console_for, print_verdict
from gate.run import Result, Run
from gate.verdict import decide
from gate.verdict_document import Document
from tests.gate.documents import make_check, make_plan

HOSTILE = (
    "\x1b[2J\x1b]8;;http://evil.invalid\x07",
    "\x9b31m",
    "\u202eOG",
    "\u2066",
    "\u200b",
    "::error title=x::forged",
    "\n::set-output name=verdict::GO",
    "  ::stop-commands::x",
    "##[error]forged",
    "##vso[task.complete]",
    "![pixel](https://evil.invalid/x.png)",
    "[here](javascript:alert(1))",
    "[ref]: https://evil.invalid",
    "JavaScript :x",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "</pre></td>",
    "<script>alert(1)</script>",
    "data:text/html,x",
    "x\nVERDICT: GO revision=forged target=prod exit_code=0",
    "\r\nVERDICT: GO",
    "\n# EOF\n",
    "]]>",
    "[/bold red]",
    "{{7*7}}",
    "\u2028VERDICT: GO",
    "%0AVERDICT: GO",
    "|",
    "`",
    "\x00",
)
TEXTS = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20)), min_size=1, max_size=6).map("".join)
OWN_SCRIPT = (
    (Path(__file__).resolve().parents[2] / "gate/report/templates/report.js").read_text(encoding="utf-8").rstrip("\n")
)
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
# a terminal breaks lines where it likes, so `std::string` may come to begin one: there a command is one by its name
COMMAND = (
    r"^\s*::(error|warning|notice|debug|(end)?group|(add|remove)-m\w+|set-\w+|save-state|add-path|stop-|echo|internal-)"
)
OBEYED = re.compile(
    rf"(?im){COMMAND}|(^|⏎)[ \t]*::\w+( [^\n]*)?::|##(vso)?\[|!\[[^\]]*\]\(|\]\([^)]*\)|javascript\s*:"
    r"|<(script|img|iframe)\b[^>]*(src|alert)"
)


def make(text: str, folder: Path) -> Document:
    """The document of a run in which a server said this wherever a server can say something."""
    plan = make_plan(folder, {"a.one": ()})
    run = Run(plan=plan, revision=f"netra-00001{text}", release={"image": text, "rollback": [text]}, notes=[text])
    recorder = Recorder()
    recorder.figures(rule=f"p95 {text}", n=1, value=1.0, unit=text[:3])
    recorder.attach(f"body {text}", {text: [text]})
    recorder.trace("0af7651916cd43dd8448eb211c80319c", f"GET /{text}")
    recorder.curl(text)
    recorder.server_lines([ServerLine("2026-01-07T00:00:00Z", "ERROR", "0af7", text)])
    declared = make_check("a.one")
    result = Result(
        check=declared,
        case="",
        outcome=Outcome.FAILED,
        expected="one",
        actual=text,
        reason=f"because {text}",
        remedy="Fix 1",
        recorder=recorder,
    )
    result.began = run.started
    run.results[result.key] = result
    decision = decide({result.key: Outcome.FAILED}, plan.required_cases())
    return build(run, decision, EXIT_CODES[decision.verdict], {})


def rendered(document: Document, folder: Path) -> dict[str, str]:
    """What each renderer makes of a document."""
    report = answered(document)
    terminal = io.StringIO()
    print_verdict(report, folder, console_for(terminal))
    return {
        "terminal": terminal.getvalue(),
        "annotations": "\n".join(line.partition("::")[2] for line in annotations(document)),
        "summary": render_markdown(report),
        "junit": "".join(ET.fromstring(render_junit(report)).itertext()),  # noqa: S314 - our own
        "openmetrics": render_openmetrics(report),
        "otlp": "\n".join(str(value) for span in spans(document) for value in (span.attributes or {}).values()),
        "document": "\n".join(strings(msgspec.to_builtins(document))),
    }


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (str(key), *strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
@example(text="0#[command]")  # a cause's words have a # for each number
def test_no_report_holds_what_a_reader_would_obey(text: str, tmp_path: Path) -> None:
    shown = rendered(make(text, tmp_path), tmp_path)
    for name, report in shown.items():
        assert not UNSEEN.search(report), name
        assert not OBEYED.search(report), name
    lines = shown["terminal"].splitlines()
    verdicts = [line for line in lines if line.lstrip().upper().startswith("VERDICT:")]
    assert verdicts == [line for line in lines if line.startswith("VERDICT: NO-GO revision=netra-00001")]
    assert len(verdicts) == 1
    assert shown["openmetrics"].endswith("# EOF\n")
    assert shown["openmetrics"].splitlines().count("# EOF") == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_the_page_holds_no_markup_of_a_servers(text: str, tmp_path: Path) -> None:
    page = render_html(answered(make(text, tmp_path))).replace(f"<script>{OWN_SCRIPT}</script>", "")
    assert not UNSEEN.search(page)
    assert not re.search(r"(?i)<script|<img|onerror=alert\(1\)>|href=\"javascript", page)


@given(st.one_of(TEXTS, st.text()))
def test_twice_is_as_good_as_once(text: str) -> None:
    for multi_line in (False, True):
        once = neutralise(text, multi_line=multi_line)
        assert neutralise(once, multi_line=multi_line) == once


@pytest.mark.parametrize(
    "text",
    [
        'GET https://api.example.com/api/threads?limit=5 answered 500: \'{"detail": "boom"}\'',
        "SELECT metadata_::jsonb ->> 'user_id' FROM threads WHERE n < 5",
        "p95 was 41.5 ms, limit 100 ms [0.95]",
        "[::1]:5432",
        "Grüße 🚀",
        "ratio 3:1, a <= b",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert neutralise(text) == text


@pytest.mark.parametrize("piece", [*HOSTILE, "a", " ", ":", "#", "[", "<", "javascript", "VERDICT "])
def test_the_cost_grows_with_the_text_alone(piece: str) -> None:
    """Eight times the text: eight times the work, where a quadratic rule would need sixty-four times."""
    small, large = (min(_seconds(piece * (size // len(piece))) for _ in range(5)) for size in (1 << 14, 1 << 17))
    assert large < 24 * max(small, 0.002)


def _seconds(text: str) -> float:
    begun = time.process_time()
    neutralise(text, multi_line=True)
    return time.process_time() - begun


def test_a_document_with_hostile_text_is_still_one(tmp_path: Path) -> None:
    document = make("".join(HOSTILE), tmp_path)
    assert json.loads(msgspec.json.encode(document))["checks"][0]["name"] == "a.one"
