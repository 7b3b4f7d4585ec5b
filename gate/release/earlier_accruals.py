"""What earlier runs of the same revision contributed to a claim: from the evidence store, by the gate's rules."""

from gate.figures import Accrual
from gate.plan import Plan
from gate.release.gathering import gather
from gate.release.merge import stint
from gate.release.store import Store


def earlier_accruals(plan: Plan, revision: str, check_id: str) -> tuple[list[Accrual], list[str]]:
    """The accruals of a check from the revision's earlier runs that count, and what could not be read.

    Reads the plan's store, else the report folder. Discarded runs and those of an earlier stint contribute
    nothing; a run that was cut short contributes its events but not its coverage.
    """
    evidence = gather(Store(plan.evidence or str(plan.report_dir), plan.evidence_key), plan.target)
    present, _ = stint([one for one in evidence.runs if one.id not in evidence.discards], revision)
    found = [
        accrual
        for run in present
        if not run.document.interrupted
        for row in run.document.checks
        if row.id == check_id
        for accrual in row.accruals
    ]
    return found, [*evidence.problems, *(f"run {one.run_id} {one.problem}" for one in evidence.unusable)]
