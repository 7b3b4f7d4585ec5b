"""Traffic in steps against the twin's Admin API: what is printed, what is moved and what is taken back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from commands.rollout import Question, rollout, steps_of
from probes.errors import SourceRefused
from targets.loading import ConfigurationError, describe_target
from targets.model import Target
from tests.twin.platform.apis import LATEST, OLD, SERVICE, Served, build_platform, served

GO, NO_GO, INCONCLUSIVE = 0, 1, 10


@pytest.fixture
def apis() -> Iterator[Served]:
    """Nothing on the latest revision, which is under the tag `verify`."""
    platform = build_platform()
    platform.services[SERVICE].traffic, platform.services[SERVICE].tags = {OLD: 100}, {"verify": LATEST}
    with served(platform) as up:
        yield up


def traffic(apis: Served) -> dict[str, int]:
    return apis.platform.services[SERVICE].traffic


def target(apis: Served, *, may_shift: bool = True, confirm: str = "staging") -> Target:
    found = describe_target("staging")
    place = found.platform.model_copy(update={"run_url": apis.url, "credentials": "none"})
    rules = found.rollout.model_copy(update={"may_shift": may_shift, "confirm": confirm})
    return found.model_copy(update={"platform": place, "rollout": rules})


class Verdicts:
    """Gives a verdict at each share, and remembers what the traffic was then."""

    def __init__(self, apis: Served, **at: int) -> None:
        self._apis, self._at = apis, {int(name[1:]): code for name, code in at.items()}
        self.seen: list[tuple[int, dict[str, int]]] = []

    async def __call__(self, percent: int) -> int:
        self.seen.append((percent, dict(traffic(self._apis))))
        return self._at.get(percent, GO)


def question(target: Target, folder: Path, steps: str = "1,10,50,100") -> Question:
    return Question(target=target, tag="verify", steps=steps_of(steps), report_dir=folder)


def nothing_in(folder: Path) -> bool:
    return not list(folder.iterdir())


def account(folder: Path) -> list[dict[str, object]]:
    [file] = (folder / "staging").glob("rollout-*.json")
    lines: list[dict[str, object]] = json.loads(file.read_text(encoding="utf-8"))
    return lines


def moves(folder: Path) -> list[object]:
    return [line["traffic"] for line in account(folder) if str(line["what"]).startswith("PATCH ")]


async def test_each_step_is_judged_with_its_share_in_force(apis: Served, tmp_path: Path) -> None:
    verdicts = Verdicts(apis)
    assert await rollout(question(target(apis), tmp_path), verdicts) == GO
    assert verdicts.seen == [
        (0, {OLD: 100}),
        (1, {LATEST: 1, OLD: 99}),
        (10, {LATEST: 10, OLD: 90}),
        (50, {LATEST: 50, OLD: 50}),
        (100, {LATEST: 100}),
    ]
    assert apis.platform.services[SERVICE].tags == {"verify": LATEST}
    assert [one["what"] for one in account(tmp_path)].count("judged") == 5


async def test_a_no_go_takes_all_of_it_back(apis: Served, tmp_path: Path) -> None:
    verdicts = Verdicts(apis, p10=NO_GO)
    assert await rollout(question(target(apis), tmp_path), verdicts) == NO_GO
    assert [percent for percent, _ in verdicts.seen] == [0, 1, 10]
    assert traffic(apis) == {OLD: 100}
    assert moves(tmp_path) == [{LATEST: 1, OLD: 99}, {LATEST: 10, OLD: 90}, {OLD: 100}]
    assert account(tmp_path)[-1]["traffic"] == {OLD: 100}


async def test_what_is_not_decided_stays_where_it_is(apis: Served, tmp_path: Path) -> None:
    verdicts = Verdicts(apis, p10=INCONCLUSIVE)
    assert await rollout(question(target(apis), tmp_path), verdicts) == INCONCLUSIVE
    assert traffic(apis) == {LATEST: 10, OLD: 90}


async def test_a_call_that_the_platform_refuses_is_in_the_account(apis: Served, tmp_path: Path) -> None:
    async def judge(_percent: int) -> int:
        apis.platform.services[SERVICE].revisions[LATEST].ready = False  # it crashed after it had been judged
        return GO

    with pytest.raises(SourceRefused, match="not ready"):
        await rollout(question(target(apis), tmp_path), judge)
    begun, judged, asked, refused = account(tmp_path)
    assert (begun["what"], judged["what"], refused["what"]) == ("begun", "judged", "refused")
    assert str(asked["what"]).startswith("PATCH ")
    assert asked["traffic"] == {LATEST: 1, OLD: 99}
    assert traffic(apis) == {OLD: 100}


async def test_a_candidate_that_is_no_go_gets_nothing(apis: Served, tmp_path: Path) -> None:
    verdicts = Verdicts(apis, p0=NO_GO)
    assert await rollout(question(target(apis), tmp_path), verdicts) == NO_GO
    assert len(verdicts.seen) == 1
    assert moves(tmp_path) == []
    assert traffic(apis) == {OLD: 100}


async def test_a_rollout_goes_on_from_the_share_where_the_last_one_stopped(
    apis: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apis.platform.services[SERVICE].traffic = {LATEST: 10, OLD: 90}
    verdicts = Verdicts(apis)
    assert await rollout(question(target(apis), tmp_path), verdicts) == GO
    assert [percent for percent, _ in verdicts.seen] == [10, 50, 100]
    printed = capsys.readouterr().out
    assert "make candidate TARGET=staging TAG=verify SHARE=10" in printed
    assert f"{LATEST}=1," not in printed


async def test_a_no_go_where_the_last_rollout_stopped_takes_all_of_it_back(apis: Served, tmp_path: Path) -> None:
    apis.platform.services[SERVICE].traffic = {LATEST: 10, OLD: 90}
    assert await rollout(question(target(apis), tmp_path), Verdicts(apis, p10=NO_GO)) == NO_GO
    assert traffic(apis) == {OLD: 100}


@pytest.mark.parametrize("theirs", [{OLD: 100}, {LATEST: 30, OLD: 70}])
async def test_what_somebody_else_moved_meanwhile_is_not_moved_on(
    apis: Served, tmp_path: Path, theirs: dict[str, int]
) -> None:
    """Somebody who takes the traffic back while a step is judged must not find it on the candidate again."""

    async def judge(percent: int) -> int:
        if percent == 1:
            apis.platform.services[SERVICE].traffic = theirs
        return GO

    with pytest.raises(SourceRefused, match="somebody else"):
        await rollout(question(target(apis), tmp_path), judge)
    assert traffic(apis) == theirs
    assert moves(tmp_path) == [{LATEST: 1, OLD: 99}]
    assert account(tmp_path)[-1]["what"] == "not sent"


async def test_a_tag_that_was_moved_meanwhile_stays_where_it_is(apis: Served, tmp_path: Path) -> None:
    async def judge(percent: int) -> int:
        apis.platform.services[SERVICE].tags = {"verify": OLD} if percent else {"verify": LATEST}
        return GO if not percent else NO_GO

    assert await rollout(question(target(apis), tmp_path), judge) == NO_GO
    assert apis.platform.services[SERVICE].tags == {"verify": OLD}
    assert traffic(apis) == {OLD: 100}


async def test_traffic_is_not_moved_between_three_revisions(apis: Served, tmp_path: Path) -> None:
    service = apis.platform.services[SERVICE]
    third = f"{SERVICE}-00092-older"
    service.revisions[third] = replace(service.revisions[OLD], name=third)
    service.traffic = {OLD: 60, third: 40}
    with pytest.raises(SourceRefused, match="splits its traffic among"):
        await rollout(question(target(apis), tmp_path), Verdicts(apis))
    assert traffic(apis) == {OLD: 60, third: 40}


@pytest.mark.parametrize("may_shift, confirm", [(False, "staging"), (True, ""), (True, "production")])
async def test_without_both_words_nothing_is_moved_and_everything_is_printed(
    apis: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, may_shift: bool, confirm: str
) -> None:
    verdicts = Verdicts(apis)
    asked = question(target(apis, may_shift=may_shift, confirm=confirm), tmp_path, "10,100")
    assert await rollout(asked, verdicts) == GO
    said = capsys.readouterr().out
    move = f"gcloud run services update-traffic {SERVICE} --to-revisions="
    where = "--region=us-central1 --project=netra-staging"
    for line in (
        f"{move}{LATEST}=10,{OLD}=90 {where}",
        f"{move}{LATEST}=100 {where}",
        f"{move}{OLD}=100 {where}",
        "make candidate TARGET=staging TAG=verify SHARE=10",
        "299 requests of users",
        "2990 of all",
        "Nothing was moved",
    ):
        assert line in said
    assert verdicts.seen == []
    assert traffic(apis) == {OLD: 100}
    assert nothing_in(tmp_path)


async def test_a_tag_that_is_not_there_is_said(apis: Served, tmp_path: Path) -> None:
    apis.platform.services[SERVICE].tags = {}
    with pytest.raises(SourceRefused, match="no tag 'verify'"):
        await rollout(question(target(apis), tmp_path), Verdicts(apis))


@pytest.mark.parametrize("text", ["", "1,x", "10,1", "0,10", "50,101", "10,10"])
def test_steps_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--steps"):
        steps_of(text)
