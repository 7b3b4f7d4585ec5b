"""What the profiles require is what the suites declare: no check and no case can go missing unnoticed."""

from pathlib import Path

import pytest

from gate.check import NEEDS
from probes.auth.forgeries import UNSIGNED
from targets.loading import ConfigurationError, describe_target
from targets.model import Twin
from targets.profiles import load_required, required_of
from tests.catalogue import collected, declared_checks


@pytest.mark.parametrize("phase", ["smoke", "soak", "day"])
def test_the_full_profile_requires_every_case(phase: str) -> None:
    required = {
        (one, case) for one, cases in load_required("full", phase, offers=NEEDS).items() for case in cases or ("",)
    }
    assert required == {(one.check, one.case) for one in collected() if one.phase == phase}


def test_staging_requires_all_but_what_only_the_twin_can_do() -> None:
    needs = {one.id: one.needs for one in declared_checks()}
    full, staging = load_required("full", "smoke"), load_required("staging-writing", "smoke")
    assert full.keys() - staging.keys() == {one for one in full if "twin" in needs[one]}


def test_a_read_only_target_requires_all_that_needs_no_rows_of_ours() -> None:
    needs = {one.id: one.needs for one in declared_checks()}
    staging, reading = load_required("staging-writing", "smoke"), load_required("read-only", "smoke")
    assert staging.keys() - reading.keys() == {one for one in staging if "write" in needs[one]}


def test_an_unknown_profile_names_those_that_exist() -> None:
    with pytest.raises(ConfigurationError, match="read-only"):
        load_required("no-such-profile", "smoke")


def test_a_profile_that_extends_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text('[a]\nextends = "b"\n[b]\nextends = "a"\n')
    with pytest.raises(ConfigurationError, match="extends itself"):
        load_required("a", "smoke", tmp_path)


def test_a_target_without_the_secret_requires_all_that_can_be_done_without_it() -> None:
    needs = {one.id: one.needs for one in declared_checks()}
    reading, without = load_required("read-only", "smoke"), load_required("token-only", "smoke")
    assert reading.keys() - without.keys() == {one for one in reading if "mint" in needs[one]}
    assert set(without["auth.refuses"]) == set(UNSIGNED)
    assert {one: cases for one, cases in without.items() if cases != reading[one]}.keys() == {
        "auth.accepts",
        "auth.refuses",
    }


def test_a_check_whose_needs_are_not_known_stays_required(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text(
        '[mine.smoke]\n"new.check" = []\n"threads.order" = []\n[less]\nextends = "mine"\nwithout_needs = ["write"]\n'
    )
    assert load_required("less", "smoke", tmp_path) == {"new.check": ()}


def test_at_a_share_of_the_traffic_users_are_watched_whatever_the_profile_leaves_out(tmp_path: Path) -> None:
    """Known of Flagger (fluxcd/flagger#1581): a metric that was never evaluated counted as one that was good."""
    (tmp_path / "profiles.toml").write_text('[less]\nextends = "full"\nwithout_needs = ["logs"]\n')
    at_a_share, before = ({"http", "run", place} for place in ("shared", "alone"))
    assert load_required("less", "candidate", tmp_path, at_a_share)["release.share"] == ()
    assert "release.share" not in load_required("less", "candidate", tmp_path, before)
    assert "release.share" not in load_required("full", "smoke", tmp_path, at_a_share)


@pytest.mark.parametrize("users", [False, True])
def test_nothing_is_broken_on_purpose_on_a_twin_that_has_users(*, users: bool) -> None:
    target = describe_target("local")
    twin = target.model_copy(update={"twin": Twin(control_url="http://127.0.0.1:1", users=users)})
    offers, lacking = twin.offers()
    required = required_of(twin, "smoke", None, offers)
    assert ("twin" in offers) is ("auth.outage" in required) is not users
    assert ("users" in lacking.get("twin", "")) is users
