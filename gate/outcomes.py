"""The answers a check and a run can give."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of one case."""

    PASSED = "PASSED"
    FAILED = "FAILED"  # the product's fault
    BROKEN = "BROKEN"  # ours, or the way there: nothing is known about the product
    PENDING = "PENDING"  # not enough evidence yet
    NOT_APPLICABLE = "NOT_APPLICABLE"  # the target can't offer what the check needs


class Verdict(StrEnum):
    """What a run says of the revision."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCONCLUSIVE = "INCONCLUSIVE"


# pytest's process exits with these; 2, 3 and 4 stay pytest's own (interrupted, internal error, usage error).
EXIT_CODES = {Verdict.GO: 0, Verdict.NO_GO: 1, Verdict.INCONCLUSIVE: 10}
