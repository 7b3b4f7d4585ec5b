"""The terms by which evidence counts: time that may be compressed on the twin alone, and passes that are too old."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from gate.evidence import Recorder
from gate.figures import Accrual
from gate.release.terms import MOST_AGE, Need, Terms
from gate.verdict_document import Document, Override
from tests.gate.release.releases import smoke
from tests.gate.release.stores import shard

TERMS = Terms(frozenset({"full", "full-read-only"}))


def accrual(**changes: Any) -> Accrual:  # noqa: ANN401 - passed on
    """A shard of one hour."""
    recorder = Recorder()
    recorder.accrue(**shard(0, 1) | changes)
    return recorder.accruals[0]


@pytest.mark.parametrize(
    "hour_s, on_the_twin, on_a_target", [(3600.0, 3600.0, 3600.0), (5.0, 3600.0 * 720, 0.0), (7200.0, 1800.0, 0.0)]
)
def test_time_may_be_compressed_only_on_the_twin(hour_s: float, on_the_twin: float, on_a_target: float) -> None:
    found = accrual(hour_s=hour_s)
    assert Need("exposure", 3600.0, compressed=True).length(found) == on_the_twin
    assert (
        Need("exposure", 3600.0, compressed=False).length(found) == on_a_target == Need("exposure", 1.0).length(found)
    )


@pytest.mark.parametrize(
    "document, why",
    [
        (smoke(), ""),
        (smoke(profile="full-read-only"), ""),
        (smoke(interrupted="SIGTERM"), "was cut short: SIGTERM"),
        (smoke(quick=True), "was a quick run, with smaller samples"),
        (smoke(profile="tiny"), "had the profile 'tiny', but this target's is full or full-read-only"),
        (
            replace(
                smoke(),
                overrides=[
                    Override("NETRA_PROFILE", "environment", weakens=True),
                    Override("NETRA_DATABASE__URL", "environment", weakens=False),
                    Override("--quick", "options", weakens=True),
                ],
            ),
            "was weakened by NETRA_PROFILE (environment), --quick (options)",
        ),
    ],
)
def test_a_run_that_proves_less_does_not_count(document: Document, why: str) -> None:
    assert TERMS.objection(document, datetime.fromisoformat(document.started)) == why


@pytest.mark.parametrize(
    "promised, why, remark",
    [
        ("a" * 64, "", ""),
        (
            "b" * 64,
            "was judged by another contract, sizes or deadlines than the target's file has now: verify again",
            "",
        ),
        (UNSET, "", "does not say by which contract it was judged: an earlier version of the suite made it"),
    ],
)
def test_a_run_by_other_promises_does_not_count(promised: str | UnsetType, why: str, remark: str) -> None:
    document = replace(smoke(), promises=promised)
    now, terms = datetime.fromisoformat(document.started), Terms(frozenset({"full"}), promises="a" * 64)
    assert (terms.objection(document, now), terms.remark(document)) == (why, remark)
    assert Terms(frozenset({"full"})).objection(document, now) == ""


@pytest.mark.parametrize("late_s, why", [(0, ""), (1, "began on 2026-11-20, and a pass counts for 30 days")])
def test_a_pass_counts_for_thirty_days(late_s: float, why: str) -> None:
    document = smoke()
    now = datetime.fromisoformat(document.started) + timedelta(days=30, seconds=late_s)
    assert TERMS.objection(document, now) == why
    assert timedelta(days=30) == MOST_AGE
