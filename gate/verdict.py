"""From outcomes to a verdict: pure, never averaged, never weighted. Worse or less evidence never improves it.

NO-GO if anything FAILED; else INCONCLUSIVE if any required case is not PASSED (or has no result at all), if seeded rows
were left behind, if the run was cut short, if there are doubts about the evidence itself, or if the target can't be
reached; else GO. Nothing required is INCONCLUSIVE: no question was asked.

There is one rule for the known failures in force: one that FAILED is accepted (it counts neither as failed nor as
required, and the reason names it), one that PASSED makes a GO INCONCLUSIVE.
"""

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
    """Decide a run by the rules above. Raises ValueError for an unknown outcome.

    `residue` counts the seeded rows that are left (None: they could not be counted), `known` names the known failures
    in force, `doubts` are sentences about the evidence itself; `interrupted` and `blocked` say why, as a sentence.
    """
    _refuse_unknown(outcomes)
    accepted = {key for key, outcome in outcomes.items() if outcome is Outcome.FAILED and name(key) in known}
    counting = {key: outcome for key, outcome in outcomes.items() if key not in accepted}
    required = frozenset(required) - accepted
    missing = tuple(sorted(required - counting.keys()))
    but = f"; accepted as known failures: {', '.join(sorted(map(name, accepted)))}" if accepted else ""
    if failed := sorted(key for key, outcome in counting.items() if outcome is Outcome.FAILED):
        return Decision(Verdict.NO_GO, _failed(failed) + but, missing)
    if blocked:  # one sentence is enough: everything else follows from it
        return Decision(Verdict.INCONCLUSIVE, blocked, missing)
    open_questions = [*doubts, *_doubts(counting, required, missing, residue=residue, interrupted=interrupted)]
    open_questions += _stale(counting, known)
    if open_questions:
        return Decision(Verdict.INCONCLUSIVE, "; ".join(open_questions) + but, missing)
    return Decision(Verdict.GO, f"all {len(required)} required cases passed{but}", missing)


def _refuse_unknown(outcomes: Mapping[Key, Outcome]) -> None:
    unknown = [value for value in outcomes.values() if not isinstance(value, Outcome)]
    if unknown:
        raise ValueError(f"not an outcome: {unknown[0]!r}")


def _stale(outcomes: Mapping[Key, Outcome], known: Collection[str]) -> Iterable[str]:
    """A sentence for each known failure that no longer fails."""
    for key, outcome in outcomes.items():
        if outcome is Outcome.PASSED and name(key) in known:
            yield f"the known failure {name(key)} no longer fails: remove it from the list"


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
