"""From outcomes to a verdict: pure, never averaged, never weighted. Worse or less evidence never improves it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from gate.outcomes import Outcome, Verdict

Key = tuple[str, str]  # check id, case id ("" without cases)


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, one sentence why, and what was required but has no result."""

    verdict: Verdict
    reason: str
    missing: tuple[Key, ...]


def name(key: Key) -> str:
    """A check's case as reports write it: `threads.metadata[json-null]`."""
    return f"{key[0]}[{key[1]}]" if key[1] else key[0]


def decide(
    outcomes: Mapping[Key, Outcome],
    required: Iterable[Key],
    *,
    residue: int | None = 0,
    interrupted: str = "",
    known: Collection[str] = (),
    doubts: Iterable[str] = (),
    blocked: str = "",
) -> Decision:
    """Decide a run.

    NO-GO if anything FAILED; else INCONCLUSIVE if any required case is not PASSED (or has no result at all), if
    seeded rows were left behind (`residue` not 0; None: could not be counted), if the run was cut short, if there are
    `doubts` (sentences about the evidence itself), or if the target can't be reached (`blocked`: the sentence that
    says why); else GO. Nothing required is INCONCLUSIVE: nothing was asked.

    `known` names the known failures that are in force, and this is the one rule for them: one that FAILED is accepted
    (it counts neither as failed nor as required, and the reason names it), one that PASSED makes a GO INCONCLUSIVE.

    Raises:
        ValueError: An unknown outcome.
    """
    strange = [value for value in outcomes.values() if not isinstance(value, Outcome)]
    if strange:
        raise ValueError(f"not an outcome: {strange[0]!r}")
    accepted = {key for key, outcome in outcomes.items() if outcome is Outcome.FAILED and name(key) in known}
    stale = [name(key) for key, outcome in outcomes.items() if outcome is Outcome.PASSED and name(key) in known]
    outcomes = {key: outcome for key, outcome in outcomes.items() if key not in accepted}
    required = frozenset(required) - accepted
    missing = tuple(sorted(required - outcomes.keys()))
    but = f"; accepted as known failures: {', '.join(sorted(map(name, accepted)))}" if accepted else ""
    failed = sorted(key for key, outcome in outcomes.items() if outcome is Outcome.FAILED)
    if failed:
        return Decision(Verdict.NO_GO, _failed(failed) + but, missing)
    open_questions = [*doubts, *_doubts(outcomes, required, missing, residue=residue, interrupted=interrupted)]
    open_questions += [f"the known failure {one} no longer fails: remove it from the list" for one in stale]
    if blocked:  # one sentence is enough: everything else follows from it
        return Decision(Verdict.INCONCLUSIVE, blocked, missing)
    if open_questions:
        return Decision(Verdict.INCONCLUSIVE, "; ".join(open_questions) + but, missing)
    return Decision(Verdict.GO, f"all {len(required)} required cases passed{but}", missing)


def _doubts(
    outcomes: Mapping[Key, Outcome],
    required: frozenset[Key],
    missing: tuple[Key, ...],
    *,
    residue: int | None,
    interrupted: str,
) -> Iterable[str]:
    if interrupted:
        yield f"the run was cut short: {interrupted}"
    if not required:
        yield "the profile requires nothing in this phase"
    if missing and len(missing) == len(required):
        yield "none of the required cases ran"
    elif missing:
        yield f"{_some(list(missing))} did not run"
    unproved = Counter[Outcome]()
    for key in required & outcomes.keys():
        if outcomes[key] is not Outcome.PASSED:
            unproved[outcomes[key]] += 1
    for outcome, count in sorted(unproved.items()):
        which = sorted(key for key in required & outcomes.keys() if outcomes[key] is outcome)
        yield f"{count} required {'case is' if count == 1 else 'cases are'} {outcome}: {_some(which)}"
    if residue is None:
        yield "the seeded rows could not be counted after the run"
    elif residue:
        yield f"{residue} seeded rows are left in the database"


def _failed(keys: list[Key], most: int = 3) -> str:
    """A few cases by name, many by family, largest family first."""
    if len(keys) <= most:
        return f"{_some(keys)} failed"
    families = Counter(key[0].partition(".")[0] for key in keys)
    return f"{len(keys)} cases failed: {', '.join(f'{family} {count}' for family, count in families.most_common())}"


def _some(keys: list[Key], most: int = 3) -> str:
    shown = ", ".join(name(key) for key in keys[:most])
    return f"{shown} and {len(keys) - most} more" if len(keys) > most else shown
