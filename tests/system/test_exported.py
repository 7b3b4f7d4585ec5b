"""An exported log judged as a user does it: `pytest --target=export --log-export=FILE`, which contacts nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.probes.logs.test_export import REAL, SHARED, entry
from tests.system.running import run, verdict_in

pytestmark = pytest.mark.slow


def judged(folder: Path, export: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]], str]:
    code, said = run(
        "pytest", "-c", "pytest.ini", "--target=export", f"--log-export={export}", f"--report-dir={folder / 'reports'}"
    )
    document = verdict_in(folder / "reports")
    assert (code, "Traceback" in said) == (document["exit_code"], False), said
    return document, {row["name"]: row for row in document["checks"]}, said


def written(folder: Path, entries: list[dict[str, Any]]) -> Path:
    path = folder / "export.json"
    path.write_text(json.dumps(entries, indent=1))
    return path


def test_a_500_in_an_export_is_no_go_with_its_cluster(tmp_path: Path) -> None:
    line = {"logName": "projects/netra-staging/logs/run.googleapis.com%2Fstderr"}
    told = entry(7) | line | {"textPayload": "'coroutine' object has no attribute 'get'"}
    document, rows, said = judged(tmp_path, written(tmp_path, [entry(1), entry(7, 500), told]))
    assert document["verdict"] == "NO-GO"
    assert rows["logs.zero-500"]["actual"].startswith("1 of 2 requests: 1 x 500 on /ws")
    assert rows["logs.incidents"]["outcome"] == "FAILED"
    assert rows["logs.secrets"]["outcome"] == "PASSED"
    assert "1 x 500 on /ws" in said
    assert document["rerun"].endswith(f" --target=export --log-export={tmp_path / 'export.json'} --check=")
    assert "contained secrets" not in said, "our own words hold no secret"


def test_an_export_without_5xx_is_go_for_what_it_holds(tmp_path: Path) -> None:
    document, rows, _ = judged(tmp_path, written(tmp_path, [entry(number) for number in range(30)]))
    assert (document["verdict"], document["exit_code"]) == ("GO", 0)
    figure = rows["logs.zero-500"]["figures"][0]
    assert (figure["n"], figure["value"]) == (30, 0)
    assert 0.09 < figure["details"]["share_at_most"] < 0.11  # what zero of thirty bounds, at 95 %


ESCAPED = r'"st\u0061tus": 500'
FORMS: dict[str, Callable[[str], str]] = {
    "lines": lambda text: f"{json.dumps(entry(1))}\n{text}\n",
    "lines with an escape": lambda text: text.replace('"status": 500', ESCAPED),
    "an array": lambda text: f"[{json.dumps(entry(1))}, {text}]",
}
BAD: dict[str, tuple[list[dict[str, Any]] | str, str]] = {
    "stops at a limit": ([entry(number) for number in range(50)], "stops at exactly 50 entries"),
    "cut": (json.dumps([entry(1), entry(2)])[:-40], "cut in the middle"),
    "empty": ("", "is empty"),
    "no entry": ("[]", "holds no entry"),
    "another project": (
        [entry(1) | {"logName": "projects/other/logs/run.googleapis.com%2Frequests"}],
        "has nothing about netra-staging",
    ),
    "a next page": (json.dumps({"entries": [entry(1)], "nextPageToken": "abc"}), "names a next page"),
    "a time stamp that is null": ([entry(1), entry(2) | {"timestamp": None}], "time stamp that can't be read, null"),
    **{
        f"a status twice, as {form}": (
            written_as(json.dumps(entry(2, 500)).replace('"status": 500', '"status": 500, "status": 200')),
            "has the key 'status' more than once",
        )
        for form, written_as in FORMS.items()
    },
    "no request": (
        [entry(1) | {"logName": "projects/netra-staging/logs/cloudaudit.googleapis.com%2Factivity"}],
        "no traffic",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_an_export_that_can_say_nothing_is_inconclusive_and_never_zero(tmp_path: Path, what: str) -> None:
    content, said = BAD[what]
    path = tmp_path / "export.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    document, rows, output = judged(tmp_path, path)
    assert (document["verdict"], document["exit_code"]) == ("INCONCLUSIVE", 10)
    assert rows["logs.zero-500"]["outcome"] in {"BROKEN", "PENDING"}
    assert said in rows["logs.zero-500"]["reason"]
    assert said in " ".join(output.split())


@REAL
def test_the_september_export_shows_its_three_500s_on_ws(tmp_path: Path) -> None:
    document, rows, _ = judged(tmp_path, SHARED / "2025-09-07-websocket-500s.json")
    assert document["verdict"] == "NO-GO"
    assert "3 x 500 on /ws" in rows["logs.zero-500"]["actual"]
    assert "incident coroutine" in rows["logs.zero-500"]["actual"]


@REAL
@pytest.mark.parametrize("limit", [50, 100])
def test_the_august_exports_are_no_evidence_of_zero(tmp_path: Path, limit: int) -> None:
    day = {50: "25", 100: "28"}[limit]
    document, rows, _ = judged(tmp_path, SHARED / f"2025-08-{day}-limit-{limit}.json")
    assert document["verdict"] == "INCONCLUSIVE"
    assert f"stops at exactly {limit} entries" in rows["logs.zero-500"]["reason"]
