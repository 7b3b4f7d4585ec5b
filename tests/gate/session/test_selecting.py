"""Some of the cases: what can be named, what such a run says, and what it leaves alone."""

import json
from pathlib import Path

import pytest

from gate.release.gathering import gather
from gate.release.store import Store
from gate.session.command_line import prepared
from gate.session.selecting import fits
from tests.gate.session.mini import HEAD, LAUNCHER, Mini

SOME = (
    HEAD
    + """
import os

@check("a.first", requirement="it answers")
@pytest.mark.parametrize("case", ["x", "y"])
def test_one(case):
    if case == "y" and os.path.exists("broken"):
        raise CheckFailure(expected="one", actual="two")

@check("a.second", requirement="it answers well")
def test_two():
    pass

@check("b.third", requirement="another one", phase="day")
def test_three():
    pass
"""
)
REQUIRED = '{"a.first": ("x", "y"), "a.second": ()}'


@pytest.fixture
def mini(tmp_path: Path) -> Mini:
    mini = Mini(tmp_path)
    mini.write(SOME, required=REQUIRED)
    return mini


@pytest.mark.parametrize(
    "arguments,cases",
    [
        (["--check=a.first"], ["a.first[x]", "a.first[y]"]),
        (["--check=a.*"], ["a.first[x]", "a.first[y]", "a.second"]),
        (["--check=a.first[y]", "--check", "a.second"], ["a.first[y]", "a.second"]),
        (["-k", "a.first"], ["a.first[x]", "a.first[y]"]),
        (["-k", "a.first[x] or a.second"], ["a.first[x]", "a.second"]),
    ],
)
def test_ids_and_cases_are_named_plainly(mini: Mini, arguments: list[str], cases: list[str]) -> None:
    code, output = mini.run(*arguments)
    assert [row["name"] for row in mini.verdict["checks"]] == cases
    assert f"{len(cases)} of 3 selected, all passed; no verdict on the release" in output.lower()
    assert (code, mini.verdict["verdict"]) == (10, "INCONCLUSIVE"), "what was not asked is not good"
    assert "Deployment checklist" not in output


def test_before_traffic_smokes_own_checks_are_named_too(mini: Mini) -> None:
    conftest = mini.folder / "conftest.py"
    conftest.write_text(conftest.read_text().replace('phase="smoke"', 'phase="candidate"'))
    code, output = mini.run("--check=a.second")
    assert [row["name"] for row in mini.verdict["checks"]] == ["a.second"]
    assert "1 of 3 selected, all passed" in output
    assert code == 10
    code, output = mini.run("--check=b.third")
    assert code == 4
    assert "b.third belongs to another phase: add --phase=day" in output


def test_a_pattern_without_a_match_is_no_run(mini: Mini) -> None:
    mini.run("--check=a.second", by=LAUNCHER)
    reports = mini.folder / "reports"
    before = (reports / "latest").readlink(), sorted(reports.glob("*/*"))
    for pattern, why in (("a.secnd", "close to it: a.second"), ("b.third", "belongs to another phase")):
        code, output = mini.run(f"--check={pattern}", by=LAUNCHER)
        assert code == 4, output
        assert why in output
        assert output.count("VERDICT:") == 1, output
        assert "interrupted" not in output
        assert ((reports / "latest").readlink(), sorted(reports.glob("*/*"))) == before


def test_a_failure_prints_how_it_is_run_again_and_lf_does_so_until_nothing_fails(mini: Mini) -> None:
    (mini.folder / "broken").touch()
    conftest = mini.folder / "conftest.py"
    conftest.write_text(conftest.read_text().replace("quick=False,", "quick=False, rerun='make again CHECK=',"))
    code, output = mini.run()
    assert code == 1
    assert "make again CHECK='a.first[y]'" in output
    assert "make again CHECK='a.first[y]'" in (mini.folder / "reports/latest/junit.xml").read_text()
    assert mini.run("--lf")[0] == 1
    assert [row["name"] for row in mini.verdict["checks"]] == ["a.first[y]"]
    (mini.folder / "broken").unlink()
    assert mini.run("--lf")[0] == 10
    code, output = mini.run("--lf")
    assert code == 4
    assert "nothing failed in the last run" in output


def test_a_selected_run_is_no_evidence_no_baseline_and_no_obstacle(mini: Mini) -> None:
    (mini.folder / "broken").touch()
    store = mini.folder / "evidence"
    assert mini.run("--check=a.first", f"--evidence={store}")[0] == 1
    assert not store.exists()
    (mini.folder / "broken").unlink()
    code, output = mini.run()
    assert (code, mini.verdict["changes"], mini.verdict["seal"]["before"]) == (0, None, None), output
    found = gather(Store(str(mini.folder / "reports")), "mini")
    assert [run.document.selection for run in found.runs] == [""]
    assert [run.document.selection for run in found.selected] == ["--check=a.first"]


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["--check=a.frist"], "close to it: a.first"),
        (["--check=b.third"], "add --phase=day"),
        (["--lf"], "has no finished run of mini"),
        (["-n", "2"], "a run can't be distributed"),
        (["-n2"], "a run can't be distributed"),
        (["--numprocesses=auto"], "a run can't be distributed"),
    ],
)
def test_what_cannot_be_selected_is_refused_with_a_sentence(mini: Mini, arguments: list[str], words: str) -> None:
    code, output = mini.run(*arguments)
    assert code == 4
    assert words in output
    assert "Traceback" not in output


def test_reports_are_written_where_pytests_own_options_want_them(mini: Mini) -> None:
    mini.run("--junitxml=out/all.xml", "--alluredir=out/allure")
    assert 'name="verdict"' in (mini.folder / "out/all.xml").read_text(), "it is ours, which knows the verdict"
    names = {json.loads(path.read_text())["name"] for path in (mini.folder / "out/allure").glob("*-result.json")}
    assert names == {"a.first[x]", "a.first[y]", "a.second"}


def test_brackets_are_a_cases_own() -> None:
    assert fits("a.first[x]", "a.first", "a.first[x]")
    assert fits("a.*[x]", "a.first", "a.first[x]")
    assert not fits("a.first[xy]", "a.first", "a.first[x]")


def test_values_may_follow_their_options(mini: Mini, tmp_path: Path) -> None:
    code, output = mini.run("--report-dir", str(tmp_path), "--check", "a.second", by=LAUNCHER)
    assert code == 10, output
    assert (tmp_path / "latest/verdict.json").exists()


def test_from_any_folder_paths_are_where_the_user_means_them(tmp_path: Path) -> None:
    (tmp_path / "known.toml").touch()
    words, folder = prepared(["--known-failures", "known.toml", "--evidence=gs://b/e", "-q"], tmp_path, Path("/suite"))
    assert folder == Path("/suite")
    assert words == [
        "-c",
        "/suite/pytest.ini",
        "--rootdir=/suite",
        f"--known-failures={tmp_path}/known.toml",
        "--evidence=gs://b/e",
        "-q",
        f"--report-dir={tmp_path}/reports",
    ]
    assert prepared(["-c", "mine.ini", "--target", "x"], tmp_path) == (["-c", "mine.ini", "--target=x"], tmp_path)
