"""A candidate that can't be judged before traffic is named, in seconds, and with the right exit code."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.system.running import ROOT, run, twin_up, verdict_in
from twin.names import BACKEND, CANDIDATE_REVISION, OLD_REVISION, REVISION

INCONCLUSIVE, NO_GO, USAGE = 10, 1, 4
ITS_SHARE = "test_the_candidate_takes_what_it_may"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("twin")


@pytest.fixture(scope="module")
def control(folder: Path) -> Iterator[httpx.Client]:
    with (
        twin_up(folder, "--candidate") as addresses,
        httpx.Client(base_url=addresses["twin"]["control_url"], timeout=30, trust_env=False) as client,
    ):
        yield client


class Judged:
    """Runs of the candidate phase against the module's twin."""

    def __init__(self, file: Path, reports: Path) -> None:
        self._file, self._reports = file, reports

    def __call__(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, said = run(
            "gate.session",
            "-c",
            "pytest.ini",
            "--target=local",
            "--phase=candidate",
            f"--report-dir={self._reports}",
            "--verdict-only",
            *words,
            env={"NETRA_ADDRESSES": str(self._file)},
        )
        assert (self._reports / "latest/verdict.json").exists(), said
        return code, verdict_in(self._reports)


@pytest.fixture
def judged(tmp_path: Path, folder: Path, control: httpx.Client) -> Judged:
    del control  # its twin is up
    return Judged(folder / "addresses.json", tmp_path)


def test_a_candidate_is_named_with_its_share_and_what_its_first_request_took(
    judged: Judged, control: httpx.Client
) -> None:
    assert control.put(f"/revisions/{CANDIDATE_REVISION}", json={"cold_s": 1.5}).is_success
    _, verdict = judged("--tag=verify", "-k", ITS_SHARE)
    assert verdict["revision"] == CANDIDATE_REVISION
    assert verdict["notes"][0].startswith(f"candidate, 0 % of traffic: revision {CANDIDATE_REVISION} under the tag")
    [row] = [row for row in verdict["checks"] if row["id"] == "release.candidate"]
    assert row["outcome"] == "PASSED"
    [first] = [figure for figure in row["figures"] if figure["unit"] == "s"]
    assert first["value"] >= 1.5
    assert verdict["release"]["serving"] == REVISION
    assert not any("moved" in doubt for doubt in verdict["doubts"])


def test_no_such_tag_is_inconclusive_and_names_those_that_there_are(judged: Judged) -> None:
    code, verdict = judged("--tag=other")
    assert code == INCONCLUSIVE
    assert verdict["reason"] == (
        f"service '{BACKEND}' in us-central1 has no tag 'other': its tags are verify ({CANDIDATE_REVISION})"
    )


def test_a_tag_on_what_serves_already_is_no_candidate(judged: Judged, control: httpx.Client) -> None:
    control.put("/tags/verify", json={"revision": REVISION})
    try:
        code, verdict = judged("--tag=verify")
    finally:
        control.put("/tags/verify", json={"revision": CANDIDATE_REVISION})
    assert code == INCONCLUSIVE
    assert f"the tag 'verify' points to {REVISION}, which serves already" in verdict["reason"]


def test_a_revision_that_never_became_ready_is_a_finding(judged: Judged, control: httpx.Client) -> None:
    control.put(f"/revisions/{CANDIDATE_REVISION}", json={"ready": False})
    try:
        code, verdict = judged("--tag=verify")
    finally:
        control.put(f"/revisions/{CANDIDATE_REVISION}", json={"ready": True})
    assert code == NO_GO
    failed = [row for row in verdict["checks"] if row["outcome"] == "FAILED"]
    assert len(failed) == 1
    assert f"{CANDIDATE_REVISION} is not ready: CONDITION_FAILED" in failed[0]["actual"]


def test_a_service_that_nothing_serves_is_told_that_the_first_one_takes_traffic(
    judged: Judged, control: httpx.Client
) -> None:
    control.put("/faults/platform.nothing-serves")
    try:
        code, verdict = judged("--tag=verify")
    finally:
        control.delete("/faults/platform.nothing-serves")
    assert code == INCONCLUSIVE
    assert "the first one can't be deployed without traffic" in verdict["reason"]


def test_a_tag_that_moves_in_mid_run_is_a_doubt(judged: Judged, control: httpx.Client) -> None:
    control.put("/faults/platform.tag-moves")
    try:
        code, verdict = judged("--tag=verify", "-k", ITS_SHARE)
    finally:
        control.delete("/faults/platform.tag-moves")
    assert code == INCONCLUSIVE
    said = f"the tag verify moved to {OLD_REVISION} during the run"
    assert any(doubt.startswith(said) for doubt in verdict["doubts"])


OWN_CHECK = """
[[checks]]
id = "team.refusal"
requirement = "a request without a token is refused in the words that our clients know"
remedy = "Bring the old code back."
path = "/api/threads"
as_user = "nobody"

[checks.expected]
status = [401]
json_schema = { properties = { error = { properties = { code = { const = "unauthorized" } } } } }
"""


@pytest.mark.parametrize("faults, outcome", [([], "PASSED"), (["compared.refusals-reworded"], "FAILED")])
def test_a_targets_own_checks_are_asked_of_the_candidate(
    judged: Judged, control: httpx.Client, tmp_path: Path, faults: list[str], outcome: str
) -> None:
    """They are smoke's, so they run before traffic as well: at the tag's URL, next to a revision without faults."""
    text = (ROOT / "targets/local.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text + OWN_CHECK, encoding="utf-8")
    control.put("/candidate/faults", json=faults)
    try:
        _, verdict = judged("--target=mine", f"--targets-dir={tmp_path}", "--tag=verify", "--check=team.refusal")
    finally:
        control.delete("/faults")
    assert {row["name"]: row["outcome"] for row in verdict["checks"]} == {"team.refusal": outcome}


def test_a_difference_by_design_is_borne_for_ninety_days_at_most(
    folder: Path, control: httpx.Client, tmp_path: Path
) -> None:
    del control  # its twin is up
    until = (datetime.now(UTC) + timedelta(days=92)).date()
    text = (ROOT / "targets/local.toml").read_text(encoding="utf-8")
    entry = f'what = "GET /api/threads: body[*].archived added"\nowner = "ada"\nreason = "release 12"\nuntil = {until}'
    (tmp_path / "mine.toml").write_text(f"{text}\n[[compare.expected]]\n{entry}\n", encoding="utf-8")
    words = ("--phase=candidate", "--tag=verify", f"--report-dir={tmp_path}")
    code, output = run(
        "gate.session", "-c", "pytest.ini", "--target=mine", f"--targets-dir={tmp_path}", *words,
        env={"NETRA_ADDRESSES": str(folder / "addresses.json")},
    )  # fmt: skip
    assert code == USAGE
    assert "[compare] expected: entry 'GET /api/threads: body[*].archived added' is accepted until" in output
    assert "more than 90 days ahead" in output


@pytest.mark.parametrize(
    "words, said",
    [
        (["--phase=candidate"], "--tag=NAME"),
        (["--phase=candidate", "--tag=Verify_1"], "got 'Verify_1'"),
        (["--phase=candidate", "--tag=verify", "--share=100"], "got 100"),
        (["--tag=verify"], "smoke judges what serves"),
    ],
)
def test_words_that_name_no_candidate_are_refused_before_anything_is_contacted(
    words: list[str], said: str, tmp_path: Path
) -> None:
    code, output = run("gate.session", "-c", "pytest.ini", "--target=local", f"--report-dir={tmp_path}", *words)
    assert code == USAGE
    assert said in output
