"""What the profiles require is what the suites declare: no check and no case can go missing unnoticed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gate.check import NEEDS
from probes.auth.forgeries import UNSIGNED
from targets.loading import ConfigurationError, load_required
from tests.catalogue import declared_checks

ROOT = Path(__file__).parents[2]
COLLECT = """
import json, sys, pytest
class Cases:
    def pytest_collection_finish(self, session):
        from gate.session.case_outcome import RESULT
        results = [item.stash[RESULT] for item in session.items]
        print("CASES" + json.dumps([[one.check.id, one.check.phase, one.case] for one in results]))
sys.exit(pytest.main(["--collect-only", "-q"], plugins=[Cases()]))
"""


@pytest.fixture(scope="module")
def collected() -> set[tuple[str, str, str]]:
    """(id, phase, case) of everything that pytest collects from the suites."""
    done = subprocess.run([sys.executable, "-c", COLLECT], cwd=ROOT, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("CASES"))
    return {(one, phase, case) for one, phase, case in json.loads(line.removeprefix("CASES"))}


@pytest.mark.parametrize("phase", ["smoke", "soak", "day"])
def test_the_full_profile_requires_every_case(collected: set[tuple[str, str, str]], phase: str) -> None:
    required = {
        (one, case) for one, cases in load_required("full", phase, offers=NEEDS).items() for case in cases or ("",)
    }
    assert required == {(one, case) for one, its_phase, case in collected if its_phase == phase}


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
    assert {one: cases for one, cases in without.items() if cases != reading[one]}.keys() == {"auth.refuses"}
