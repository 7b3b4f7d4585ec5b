"""Typed judgements: how a check says that it did not pass."""

from collections.abc import Mapping
from datetime import datetime

from gate.outcomes import Outcome

WAITS = "waits for "


class Judgement(Exception):
    """A check's answer other than "passed": the outcome, expected against actual, and what to do."""

    outcome = Outcome.BROKEN

    def __init__(
        self, *, expected: str = "", actual: str = "", remedy: str = "", evidence: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(f"expected {expected}, got {actual}" if expected else actual)
        self.expected = expected
        self.actual = actual
        self.remedy = remedy
        self.evidence = dict(evidence or {})


class CheckFailure(Judgement, AssertionError):  # Allure reads an AssertionError as "failed"
    """FAILED: the product does not do what the requirement says."""

    outcome = Outcome.FAILED


class OneFinding(CheckFailure):
    """FAILED, once a run: what many cases meet, of one cause. Who meets it later waits for that finding.

    `key` tells one such cause from another.
    """

    key = ""


class MissingRoute(OneFinding):
    """A route that the contract names is not there. `key` is its key in the contract's `[paths]`."""

    def __init__(self, key: str, seen: str) -> None:
        super().__init__(
            expected=f"the route that [contract.paths] {key} names",
            actual=f"{seen}: is [contract.paths] {key} right?",
            remedy=f"Correct `{key}` under [contract.paths] in the target's TOML; if the service has no such route, "
            "say so there (an empty path), or deploy it.",
        )
        self.key = key


class ShutDoor(OneFinding):
    """A door that lets no good token in. `key` names the door, `name` is the door's in a sentence."""

    def __init__(self, key: str, name: str, seen: str) -> None:
        super().__init__(
            expected=f"{name} lets good tokens in",
            actual=f"{name} lets no good token in: {seen}",
            remedy=f"See what the server says of these requests: {name} refuses whoever comes. If our tokens are not "
            "what it asks for, correct [contract.tokens] in the target's TOML.",
        )
        self.key = key


class Broken(Judgement):
    """BROKEN: we, or the way there, could not find out."""

    outcome = Outcome.BROKEN

    def __init__(self, reason: str, *, remedy: str = "", evidence: Mapping[str, object] | None = None) -> None:
        super().__init__(actual=reason, remedy=remedy, evidence=evidence)


def waiting_for(finder: str, judgement: Judgement) -> Broken:
    """BROKEN, and no second finding: what the case met was found by another case, which is named."""
    return Broken(f"{waits_for(finder)}{judgement.actual}", remedy=judgement.remedy, evidence=judgement.evidence)


def waits_for(finder: str) -> str:
    """How the reason of a case begins that merely waits for what another one found.

    No colon stands after a case's bracket: `]:` is markdown, and `gate.plain_text` would change it in the document.
    """
    return f"{WAITS}{finder}, which says: "


class Pending(Judgement):
    """PENDING: what there is neither proves nor refutes the requirement, or its time has not run yet."""

    outcome = Outcome.PENDING

    def __init__(
        self, reason: str, *, owed_until: datetime | None = None, evidence: Mapping[str, object] | None = None
    ) -> None:
        owed = {"owed_until": owed_until.isoformat()} if owed_until else {}
        super().__init__(actual=reason, evidence={**(evidence or {}), **owed})
