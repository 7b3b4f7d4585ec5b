"""Steps on a whole twin with people in front of it: what they alone meet, and at a share alone, takes it all back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.rollout import Question, rollout, steps_of
from targets.loading import load_target
from tests.system.running import run, twin_up, verdict_in
from twin.names import CANDIDATE_REVISION, REVISION

pytestmark = pytest.mark.slow
GO, NO_GO, INCONCLUSIVE = 0, 1, 10
FEW, MORE = 8, 12  # per cent: the fault shows from 10 on
PATIENCE = {"NETRA_ROLLOUT__WAIT_S": "120"}  # for enough requests, on a machine that has other things to do


@pytest.fixture
def addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    words = ("--candidate", "--people=16", "--fault=platform.too-few-instances")
    with twin_up(tmp_path, *words):
        monkeypatch.setenv("NETRA_ADDRESSES", str(tmp_path / "addresses.json"))
        yield tmp_path / "addresses.json"


class Users:
    """Judges a share by what users meet at it: a real run of that one check. Before any traffic there is nothing."""

    def __init__(self, addresses: Path, reports: Path) -> None:
        self._addresses, self._reports = addresses, reports
        self.seen: dict[int, dict[str, Any]] = {}

    async def __call__(self, percent: int) -> int:
        if not percent:
            return GO
        _, said = run(
            "gate.session", "-c", "pytest.ini", "--target=local", "--phase=candidate", "--tag=verify", "--verdict-only",
            f"--share={percent}", f"--report-dir={self._reports}", "--check=release.share",
            env={"NETRA_ADDRESSES": str(self._addresses), **PATIENCE},
        )  # fmt: skip
        rows = [row for row in verdict_in(self._reports)["checks"] if row["id"] == "release.share"]
        assert len(rows) == 1, said
        self.seen[percent] = rows[0]
        return {"PASSED": GO, "FAILED": NO_GO}.get(rows[0]["outcome"], INCONCLUSIVE)


async def test_a_fault_that_shows_from_a_tenth_on_is_found_there_and_everything_goes_back(
    addresses: Path, tmp_path: Path
) -> None:
    users = Users(addresses, tmp_path / "runs")
    question = Question(
        target=load_target("local"),
        tag="verify",
        steps=steps_of(f"{FEW},{MORE},50,100"),
        report_dir=tmp_path / "reports",
    )
    assert await rollout(question, users) == NO_GO, users.seen
    assert {percent: row["outcome"] for percent, row in users.seen.items()} == {FEW: "PASSED", MORE: "FAILED"}
    assert "requests failed, against " in users.seen[MORE]["actual"]
    [file] = (tmp_path / "reports/local").glob("rollout-*.json")
    account: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    assert [line["traffic"] for line in account if line["what"].startswith("PATCH ")] == [
        {CANDIDATE_REVISION: FEW, REVISION: 100 - FEW},
        {CANDIDATE_REVISION: MORE, REVISION: 100 - MORE},
        {REVISION: 100},
    ]
    assert account[-1]["traffic"] == {REVISION: 100}
