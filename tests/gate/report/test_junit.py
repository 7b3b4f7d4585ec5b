"""Readers of JUnit look at cases alone: a verdict that is not GO is red there, too."""

from pathlib import Path
from xml.etree import ElementTree as ET

from msgspec.structs import replace

from gate.outcomes import Outcome, Verdict
from gate.report.checklist import answered
from gate.report.junit import render_junit
from tests.gate.documents import make_document


def test_junit_is_not_green_where_the_verdict_is_not(tmp_path: Path) -> None:
    sound = make_document(tmp_path, {"auth.latency": Outcome.PASSED, "logs.zero-500": Outcome.PASSED})
    assert "<error" not in render_junit(answered(sound))
    doubted = replace(
        sound, verdict=Verdict.INCONCLUSIVE, exit_code=10, reason="3 seeded rows are left in the database"
    )
    red = ET.fromstring(render_junit(answered(doubted))).findall(".//testcase[error]")  # noqa: S314 - our own output
    assert [(case.get("name"), case.findtext("error")) for case in red] == [("verdict", doubted.reason)]
