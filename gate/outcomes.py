"""The outcomes of a case and the verdicts of a run."""

from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of one case."""

    PASSED = "PASSED"
    FAILED = "FAILED"  # a fault of the product
    BROKEN = "BROKEN"  # a problem on our side or on the way: nothing is known about the product
    PENDING = "PENDING"  # not enough evidence yet
    NOT_APPLICABLE = "NOT_APPLICABLE"  # the target can't offer what the check needs


class Verdict(StrEnum):
    """A run's verdict on the revision."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCONCLUSIVE = "INCONCLUSIVE"


# pytest's process exits with these; 2, 3 and 4 stay pytest's own (interrupted, internal error, usage error).
EXIT_CODES = {Verdict.GO: 0, Verdict.NO_GO: 1, Verdict.INCONCLUSIVE: 10}
