"""A route that is not there, or a door that is shut, is one finding, for which the others wait."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.gate.session.mini import HEAD, Mini

MISSING = (
    HEAD
    + """
from gate.failures import MissingRoute

@check("a.first", requirement="it answers")
def test_first():
    raise MissingRoute("threads", "GET /t answered 404")

@check("a.second", requirement="it answers well")
@pytest.mark.parametrize("case", ["x", "y"])
def test_second(case):
    raise MissingRoute("threads", "GET /t answered 404")

@check("b.third", requirement="another route answers")
def test_third():
    raise MissingRoute("metrics", "GET /m answered 404")
"""
)


@pytest.fixture
def mini(tmp_path: Path) -> Mini:
    return Mini(tmp_path)


def test_a_missing_route_is_one_finding_and_the_others_wait_for_it(mini: Mini) -> None:
    mini.write(MISSING, required='{"a.first": (), "a.second": ("x", "y"), "b.third": ()}')
    code, output = mini.run()
    rows = {row["name"]: row for row in mini.verdict["checks"]}
    assert code == 1, output
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "a.first": "FAILED",
        "a.second[x]": "BROKEN",
        "a.second[y]": "BROKEN",
        "b.third": "FAILED",
    }
    assert rows["a.first"]["actual"].endswith("is [contract.paths] threads right?")
    assert rows["a.second[y]"]["reason"].startswith("blocked by a.first, which says: GET /t answered 404")


SHUT = (
    HEAD
    + """
from gate.failures import ShutDoor

@check("a.first", requirement="it opens")
def test_first():
    raise ShutDoor("ws", "the WebSocket", "6 of 6 were turned away")

@check("b.second", requirement="it talks")
def test_second():
    raise ShutDoor("ws", "the WebSocket", "6 of 6 were turned away")

@check("b.third", requirement="REST answers")
def test_third():
    raise ShutDoor("rest", "REST", "3 of 3 were turned away")
"""
)


def test_a_door_that_lets_nobody_in_is_one_finding_and_another_door_is_another(mini: Mini) -> None:
    mini.write(SHUT, required='{"a.first": (), "b.second": (), "b.third": ()}')
    code, output = mini.run()
    rows = {row["name"]: row for row in mini.verdict["checks"]}
    assert code == 1, output
    outcomes = {name: row["outcome"] for name, row in rows.items()}
    assert outcomes == {"a.first": "FAILED", "b.second": "BROKEN", "b.third": "FAILED"}
    assert rows["b.second"]["reason"] == (
        "blocked by a.first, which says: the WebSocket refuses every valid token: 6 of 6 were turned away"
    )
    assert "[contract.tokens]" in rows["a.first"]["remedy"]


def test_what_the_target_accepts_is_a_known_failure_and_its_notes_come_first(mini: Mini) -> None:
    mini.write(HEAD + '@check("a.good", requirement="it holds")\ndef test_it():\n    raise CheckFailure(actual="no")\n')
    until = (datetime.now(UTC) + timedelta(days=3)).date()
    conftest = mini.folder / "conftest.py"
    expires = f'date.fromisoformat("{until.isoformat()}")'
    known = f'accepted={{"a.good": Known(name="a.good", owner="team", reason="known", expires={expires})}}'
    text = conftest.read_text().replace("quick=False,", f'quick=False, {known}, notes=("absent: metrics",),')
    conftest.write_text("from datetime import date\nfrom gate.known import Known\n" + text)
    code, output = mini.run()
    (row,) = mini.verdict["checks"]
    assert (row["outcome"], row["known_failure"]) == ("FAILED", f"team, until {until.isoformat()}: known")
    assert code != 1, output
    assert mini.verdict["notes"][0] == "absent: metrics"


SHARED = (
    HEAD
    + """
@pytest.fixture(scope="module")
def thing():
    raise OSError("no such thing")

@check("a.first", requirement="it answers")
def test_first(thing):
    pass

@check("a.second", requirement="it answers well")
def test_second(thing):
    pass
"""
)


def test_a_fixture_that_many_share_breaks_once_and_the_others_wait(mini: Mini) -> None:
    mini.write(SHARED, required='{"a.first": (), "a.second": ()}')
    code, output = mini.run()
    rows = {row["name"]: row["actual"] for row in mini.verdict["checks"]}
    assert (code, len(mini.verdict["causes"])) == (10, 1), output
    assert not rows["a.first"].startswith("waits for")
    assert rows["a.second"].startswith("blocked by a.first, which says: ")
