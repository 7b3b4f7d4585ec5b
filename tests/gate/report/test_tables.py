"""Evidence that is a table is one on the page, of cases that passed as well: the operations of a service, for one."""

from pathlib import Path

from msgspec.structs import replace

from gate.outcomes import Outcome
from gate.report.checklist import answered
from gate.report.html import MOST_LINES, render_html
from gate.strict_json import JSON
from tests.gate.documents import NASTY, make_document


def rendered(folder: Path, evidence: dict[str, JSON]) -> str:
    document = make_document(folder, {"api.no-5xx": Outcome.PASSED})
    rows = [replace(row, evidence=evidence) for row in document.checks]
    return render_html(answered(replace(document, checks=rows)))


def operation(name: str) -> dict[str, JSON]:
    return {"operation": name, "answered": {"200": 3, "404": 1}, "undocumented": ["404"], "slowest_ms": 12.5}


def test_objects_of_the_same_keys_are_a_table_with_its_values_in_words(tmp_path: Path) -> None:
    page = rendered(tmp_path, {"operations": [operation("GET /api/threads"), operation(NASTY)]})
    assert '<th scope="col">slowest ms</th>' in page
    assert "<td>GET /api/threads</td><td>200 3, 404 1</td><td>404</td><td>12.5</td>" in page
    assert "<script>alert" not in page
    assert "\x1b" not in page


def test_what_is_beyond_the_table_s_bound_is_counted(tmp_path: Path) -> None:
    page = rendered(tmp_path, {"operations": [operation(f"GET /{n}") for n in range(MOST_LINES + 7)]})
    assert f"<td>GET /{MOST_LINES - 1}</td>" in page
    assert f"<td>GET /{MOST_LINES}</td>" not in page
    assert "7 more are in <code>verdict.json</code>" in page


def test_evidence_of_other_shapes_is_no_table(tmp_path: Path) -> None:
    odd: dict[str, JSON] = {"none": [], "mixed": [{"a": 1}, {"b": 1}], "texts": ["a", "b"], "odd": [1, {"a": 1}]}
    page = rendered(tmp_path, odd)
    assert [name for name in odd if f'aria-label="{name} of api.no-5xx"' in page] == []
