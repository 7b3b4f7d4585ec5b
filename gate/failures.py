"""Typed judgements: how a check says that it did not pass."""

from collections.abc import Mapping
from datetime import datetime

from gate.outcomes import Outcome

WAITS = "blocked by "


class Judgement(Exception):
    """A check's result other than "passed": the outcome, expected and actual, and what to do."""

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
    """FAILED, once per run: a problem with one cause that many cases meet.

    Cases that meet it later are blocked by that finding.

    `key` distinguishes such causes.
    """

    key = ""


class MissingRoute(OneFinding):
    """A route in the contract does not exist. `key` is its key in the contract's `[paths]`."""

    def __init__(self, key: str, seen: str) -> None:
        super().__init__(
            expected=f"the route of [contract.paths] {key}",
            actual=f"{seen}: is [contract.paths] {key} right?",
            remedy=f"Correct `{key}` under [contract.paths] in the target's TOML; if the service has no such route, "
            "set it to an empty path there, or deploy the route.",
        )
        self.key = key


class ShutDoor(OneFinding):
    """A door that refuses every valid token. `key` identifies the door, `name` is its name in a sentence."""

    def __init__(self, key: str, name: str, seen: str) -> None:
        super().__init__(
            expected=f"{name} accepts valid tokens",
            actual=f"{name} refuses every valid token: {seen}",
            remedy=f"See what the server says of these requests: {name} refuses everybody. If our "
            "tokens are not what it requires, correct [contract.tokens] in the target's TOML.",
        )
        self.key = key


class Broken(Judgement):
    """BROKEN: we could not observe, because of a problem on our side or on the way to the service."""

    outcome = Outcome.BROKEN

    def __init__(self, reason: str, *, remedy: str = "", evidence: Mapping[str, object] | None = None) -> None:
        super().__init__(actual=reason, remedy=remedy, evidence=evidence)


def waiting_for(finder: str, judgement: Judgement) -> Broken:
    """BROKEN and not a second finding: another case, which is named, already found what this case met."""
    return Broken(f"{waits_for(finder)}{judgement.actual}", remedy=judgement.remedy, evidence=judgement.evidence)


def waits_for(finder: str) -> str:
    """How the reason of a blocked case begins.

    A colon must not follow a case's bracket: `]:` is Markdown, and `gate.plain_text` would change it in the document.
    """
    return f"{WAITS}{finder}, which says: "


class Pending(Judgement):
    """PENDING: the evidence so far neither proves nor disproves the requirement, or its time is not over yet."""

    outcome = Outcome.PENDING

    def __init__(
        self, reason: str, *, owed_until: datetime | None = None, evidence: Mapping[str, object] | None = None
    ) -> None:
        owed = {"owed_until": owed_until.isoformat()} if owed_until else {}
        super().__init__(actual=reason, evidence={**(evidence or {}), **owed})
