"""A team's own checks as data: read strictly, run like any other, in the verdict like any other."""

import json
from pathlib import Path
from typing import Any

import pytest

from targets.loading import ConfigurationError, load_target
from targets.model import Target
from targets.profiles import required_of
from tests.standing import ROOT
from tests.system.running import ReusedTwin, run, verdict_in
from tests.targets.test_loading import write

OWN = """
[[checks]]
id = "own.liveness"
requirement = "liveness says which service answers"
remedy = "Look at the liveness route."
path = "/health"
as_user = "nobody"
repetitions = 3
expected = { json_schema = { type = "object", required = ["status"], properties = { status = { const = "healthy" } } } }

[[checks]]
id = "own.exposition"
requirement = "the metrics are Prometheus text"
remedy = "Look at the exporter."
path = "/metrics"
as_user = "nobody"
expected = { headers = { content-type = "text/plain; version=.*" }, within_ms = 20000 }

[[checks]]
id = "own.window"
requirement = "a user's window is a list"
remedy = "Look at the list."
path = "/api/threads?limit=1"
expected = { json_schema = { type = "array", maxItems = 1 } }

[[checks]]
id = "own.refused"
requirement = "no one can post without a token"
remedy = "Look at the authentication of POST."
method = "POST"
path = "/api/threads"
as_user = "nobody"
expected = { status = [401, 405] }
"""
IDS = ["own.exposition", "own.liveness", "own.refused", "own.window"]


def entry(**changes: object) -> str:
    """One entry of `[[checks]]` as TOML, with some keys changed."""
    keys = {"id": "own.one", "requirement": "it holds", "remedy": "Look.", "path": "/"} | changes
    return "[[checks]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())


@pytest.mark.parametrize(
    "changes,named",
    [
        ({"id": "no family"}, "checks.0"),
        ({"path": "threads"}, "checks.0.path"),
        ({"method": "TRACE"}, "checks.0.method"),
        ({"repetitions": 0}, "checks.0.repetitions"),
        ({"remedy": ""}, "checks.0.remedy"),
        ({"wants": 3}, "checks.0.wants"),
        ({"needs": ["moon"]}, "moon"),
        ({"expected": {"status": 200}}, "checks.0.expected.status"),
    ],
)
def test_a_mistake_in_a_check_names_its_key(tmp_path: Path, changes: dict[str, object], named: str) -> None:
    text = entry(**{key: value for key, value in changes.items() if key != "expected"})
    text += "expected = { status = 200 }\n" if "expected" in changes else ""
    with pytest.raises(ConfigurationError, match=named.replace(".", r"\.")):
        load_target("mine", write(tmp_path, text))


@pytest.mark.parametrize("expected", ['{ json_schema = { type = "thing" } }', '{ headers = { server = "(" } }'])
def test_an_expectation_that_can_not_be_held_is_refused(tmp_path: Path, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=r"checks\.0\.expected"):
        load_target("mine", write(tmp_path, entry() + f"expected = {expected}\n"))


def test_two_checks_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"own\.one"):
        load_target("mine", write(tmp_path, entry() + entry()))


def described(folder: Path, **changes: object) -> Target:
    return load_target("mine", write(folder, entry(**changes)))


def test_a_method_that_may_change_something_takes_leave_to_write(tmp_path: Path) -> None:
    target = described(tmp_path, method="DELETE")
    assert "write" in target.checks[0].all_needs
    assert "own.one" not in required_of(target, "smoke", None, {"http", "token"})
    assert "own.one" in required_of(target, "smoke", None, {"http", "token", "write"})


def test_a_check_is_required_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert "own.one" in required_of(described(tmp_path), "smoke", None, ())
    assert "own.one" not in required_of(described(tmp_path, required=False), "smoke", None, ())
    assert "own.one" not in required_of(described(tmp_path), "day", None, ())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the twin's target, the team's own checks, and a profile that requires these alone."""
    place = tmp_path_factory.mktemp("targets")
    local = (ROOT / "targets/local.toml").read_text(encoding="utf-8").replace('profile = "full"', 'profile = "own"')
    (place / "mine.toml").write_text(local + OWN, encoding="utf-8")
    (place / "profiles.toml").write_text("[own.smoke]\n", encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def twin(reused_twin: ReusedTwin) -> dict[str, str]:
    return {"NETRA_ADDRESSES": str(reused_twin.file)}


def verify(folder: Path, reports: Path, twin: dict[str, str], *words: str) -> tuple[int, dict[str, Any]]:
    options = (f"--targets-dir={folder}", f"--report-dir={reports}", "--target=mine", "-k", "test_own_check")
    code, printed = run("pytest", "-c", "pytest.ini", *options, *words, env=twin)
    assert (reports / "latest").exists(), printed
    return code, verdict_in(reports)


def outcomes(document: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["outcome"] for row in document["checks"] if row["family"] == "own"}


def test_own_checks_are_judged_like_any_other(folder: Path, twin: dict[str, str], tmp_path: Path) -> None:
    code, document = verify(folder, tmp_path, twin)
    assert (code, document["verdict"]) == (10, "INCONCLUSIVE"), "some of the cases are not a verdict"
    assert "all passed; no verdict on the release" in document["reason"]
    assert outcomes(document) == dict.fromkeys(IDS, "PASSED")
    rows = {row["name"]: row for row in document["checks"]}
    assert len(rows["own.liveness"]["traces"]) == 3
    assert rows["own.window"]["required"]
    assert "own.window" in (tmp_path / "latest/report.html").read_text(encoding="utf-8")


FAULTS = {
    'const = "healthy"': 'const = "splendid"',
    "text/plain; version=.*": "application/json",
    "maxItems = 1": "minItems = 1",
    "[401, 405]": "[201]",
}


def test_each_own_check_can_fail(folder: Path, twin: dict[str, str], tmp_path: Path) -> None:
    text = (folder / "mine.toml").read_text(encoding="utf-8")
    for healthy, wrong in FAULTS.items():
        text = text.replace(healthy, wrong)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    (tmp_path / "profiles.toml").write_text("[own.smoke]\n", encoding="utf-8")
    code, document = verify(tmp_path, tmp_path / "reports", twin)
    assert code == 1
    assert outcomes(document) == dict.fromkeys(IDS, "FAILED")
    rows = [row for row in document["checks"] if row["family"] == "own"]
    assert all(row["remedy"] and row["curl"] and row["expected"] and row["actual"] for row in rows)
