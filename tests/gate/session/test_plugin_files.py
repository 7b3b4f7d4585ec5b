"""What the plugin reads and writes besides its verdict: known failures, the evidence store, artifacts."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.gate.session.mini import GOOD, HEAD, Mini


@pytest.fixture
def mini(tmp_path: Path) -> Mini:
    return Mini(tmp_path)


SOON = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
KNOWN = '["a.good"]\nowner = "backend team"\nreason = "waits for the gateway"\nexpires = {expires}\n'


@pytest.mark.parametrize(
    "body,expires,code",
    [
        ('raise CheckFailure(expected="x", actual="y")', SOON, 0),
        ('raise CheckFailure(expected="x", actual="y")', "2020-01-01", 1),
        ("pass", SOON, 10),
    ],
    ids=["accepted", "expired", "no longer fails"],
)
def test_known_failures_are_two_sided(mini: Mini, body: str, expires: str, code: int) -> None:
    other = '@check("a.other", requirement="it holds")\ndef test_other():\n    pass\n'
    mini.write(
        HEAD + other + f'@check("a.good", requirement="it holds")\ndef test_it():\n    {body}\n',
        required='{"a.good": (), "a.other": ()}',
    )
    (mini.folder / "known.toml").write_text(KNOWN.format(expires=expires))
    got, output = mini.run("--known-failures=known.toml")
    assert got == code, output
    states = {0: "still fails", 1: "expired", 10: "no longer fails"}
    assert [one["state"] for one in mini.verdict["known_failures"]] == [states[code]]


@pytest.mark.parametrize("change", ['os.remove("known.toml")', 'open("known.toml", "w").close()'])
def test_the_list_of_known_failures_is_read_when_the_run_begins(mini: Mini, change: str) -> None:
    other = '@check("a.other", requirement="it holds")\ndef test_other():\n    pass\n'
    body = f'import os\n    {change}\n    raise CheckFailure(expected="x", actual="y")'
    mini.write(
        HEAD + other + f'@check("a.good", requirement="it holds")\ndef test_it():\n    {body}\n',
        required='{"a.good": (), "a.other": ()}',
    )
    (mini.folder / "known.toml").write_text(KNOWN.format(expires=SOON))
    code, output = mini.run("--known-failures=known.toml")
    assert (code, mini.verdict["known_failures"][0]["state"]) == (0, "still fails"), output


def test_a_known_failure_that_names_no_case_is_noted(mini: Mini) -> None:
    mini.write(GOOD)
    (mini.folder / "known.toml").write_text(KNOWN.format(expires=SOON).replace("a.good", "a.godo"))
    assert mini.run("--known-failures=known.toml")[0] == 0
    assert mini.verdict["notes"] == [
        "the known failure a.godo is not the name of a check or case, so it accepts nothing; did you mean a.good?"
    ]


def test_verdict_only_writes_the_verdict_alone(mini: Mini) -> None:
    mini.write(GOOD)
    conftest = mini.folder / "conftest.py"
    conftest.write_text(conftest.read_text().replace("quick=False,", "quick=False, verdict_only=True,"))
    assert mini.run("--verdict-only")[0] == 0
    assert [path.name for path in (mini.folder / "reports/latest").resolve().iterdir()] == ["verdict.json"]


def test_the_verdict_is_put_into_the_evidence_store_as_well(mini: Mini) -> None:
    mini.write(GOOD)
    for _ in range(2):
        assert mini.run("--evidence=store")[0] == 0
    kept = sorted(mini.folder.glob("store/mini/*/verdict.json"))
    assert len(kept) == 2
    assert json.loads(kept[-1].read_text()) == mini.verdict
    assert mini.verdict["changes"]["since"] == kept[0].parent.name


def test_a_store_that_can_not_be_written_is_said_before_anything_runs(mini: Mini) -> None:
    mini.write(GOOD)
    (mini.folder / "taken").write_text("a file")
    code, output = mini.run("--evidence=taken/store")
    assert code == 4, output
    assert "taken/store can't be written" in output
    assert "Traceback" not in output
    assert mini.verdict["verdict"] == "INCONCLUSIVE"


def test_a_store_that_is_lost_while_the_run_goes_makes_it_inconclusive(mini: Mini) -> None:
    body = 'import shutil\n    shutil.rmtree("store")\n    open("store", "w").close()'
    mini.write(HEAD + f'@check("a.good", requirement="it holds")\ndef test_it():\n    {body}\n')
    code, output = mini.run("--evidence=store")
    assert (code, mini.verdict["verdict"]) == (10, "INCONCLUSIVE"), output
    assert "store can't be written" in mini.verdict["reason"]


@pytest.mark.parametrize(
    "text",
    ["not toml", '["a.good"]\nowner = "ada"\n', '["a.good"]\nexpires = "soon"\n', KNOWN.format(expires="2999-01-01")],
)
def test_a_list_of_known_failures_that_can_not_be_used_is_said_before_anything_runs(mini: Mini, text: str) -> None:
    mini.write(GOOD)
    (mini.folder / "known.toml").write_text(text)
    code, output = mini.run("--known-failures=known.toml")
    assert code == 4, output
    assert "known failures: known.toml" in output
    assert "Traceback" not in output
    assert not (mini.folder / "reports/mini").exists()


@pytest.mark.parametrize("body,code", [("pass", 0), ('raise CheckFailure(expected="x", actual="y")', 1)])
def test_the_exit_code_alone_says_nothing(mini: Mini, body: str, code: int) -> None:
    mini.write(HEAD + f'@check("a.good", requirement="it holds")\ndef test_it():\n    print("hello")\n    {body}\n')
    assert mini.run("--exit-code-only") == (code, "")
    assert mini.verdict["exit_code"] == code
