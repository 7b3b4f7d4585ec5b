"""Selecting some of the cases: by ids, by words, by what failed last. Such a run gives no verdict on the release.

Its document records the selection, its verdict is at best INCONCLUSIVE, no later run is compared with it, it is
not stored as evidence, and the gate over many runs ignores it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

import pytest

from gate.check import ATTRIBUTE, Check
from gate.outcomes import Outcome
from gate.plan import Plan
from gate.release.store import Store, StoreError
from gate.run import Run
from gate.verdict import name

# Options that leave cases out, by pytest's internal name.
SELECTING = {
    "check": "--check",
    "lf": "--lf",
    "keyword": "-k",
    "markexpr": "-m",
    "deselect": "--deselect",
    "ignore": "--ignore",
    "ignore_glob": "--ignore-glob",
}
WORDS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.BROKEN: "broken",
    Outcome.PENDING: "pending",
    Outcome.NOT_APPLICABLE: "not applicable",
}
NOT_PASSED = frozenset({Outcome.FAILED, Outcome.BROKEN})


def selection_of(config: pytest.Config) -> str:
    """How cases were selected, as on the command line; empty for a full run."""
    options = []
    for option, spelled in SELECTING.items():
        value = getattr(config.option, option, None)
        values = value if isinstance(value, list | tuple) else [value]
        options += [spelled if one is True else f"{spelled}={one}" for one in values if one]
    return " ".join([*options, *selected_paths(config)])


def selected_paths(config: pytest.Config) -> list[str]:
    """The paths on the command line; none if they cover everything."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return []
    whole = {config.rootpath / path for path in config.getini("testpaths")}
    return [] if {config.invocation_params.dir / path for path in config.args} == whole else list(config.args)


def last_failed(plan: Plan) -> frozenset[str]:
    """The cases that failed or broke in the last run of this target and phase, selected ones among them.

    Raises:
        pytest.UsageError: There is no such run, or nothing failed in it.
    """
    document = Store(str(plan.report_dir), plan.evidence_key).last(plan.target, plan.phase, with_selections=True)
    if document is None:
        raise pytest.UsageError(
            f"--lf: {plan.report_dir} has no finished run of {plan.target}, phase {plan.phase}. Run once without --lf."
        )
    left_out = frozenset(document.missing)
    names = frozenset(row.name for row in document.checks if row.outcome in NOT_PASSED and row.name not in left_out)
    if not names:
        raise pytest.UsageError(f"--lf: nothing failed in the last run, {document.run_id}. Run without --lf.")
    return names


def last_durations(plan: Plan) -> dict[str, float]:
    """Seconds per case in the last run of this target and phase; empty if there was none."""
    try:
        document = Store(str(plan.report_dir), plan.evidence_key).last(plan.target, plan.phase)
    except StoreError:
        return {}  # it only shows how long something usually takes
    return {row.name: row.duration_s for row in document.checks} if document else {}


class Selecting:
    """A plugin that lets ids be selected: as keywords of pytest's `-k`, by patterns, and by what failed last."""

    def __init__(self, run: Run | None, patterns: Sequence[str], last: frozenset[str] | None) -> None:
        self._run = run
        self._patterns = patterns
        self._last = last

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Ids, cases and families are words for `-k`."""
        declared = declaration(item)
        if declared:
            item.extra_keyword_matches.update({declared.id, declared.family, _name(item, declared)})

    @pytest.hookimpl(tryfirst=True)  # before -k and others, so that all are counted
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what is not selected. Raises pytest.UsageError for a pattern without a match."""
        declared = {item: found for item in items if (found := declaration(item))}
        if self._run is not None:
            self._run.collected = sum(one.runs_in(self._run.plan.phase) for one in declared.values())
        if not self._patterns and self._last is None:
            return
        for pattern in self._patterns:
            self._refuse_unknown(pattern, declared)
        left_out = [item for item in items if item in declared and not self._wanted(item, declared[item])]
        gone = frozenset(left_out)
        items[:] = [item for item in items if item not in gone]
        config.hook.pytest_deselected(items=left_out)

    def _wanted(self, item: pytest.Item, declared: Check) -> bool:
        name_of = _name(item, declared)
        by_pattern = not self._patterns or any(fits(one, declared.id, name_of) for one in self._patterns)
        return by_pattern and (self._last is None or name_of in self._last)

    def _refuse_unknown(self, pattern: str, declared: dict[pytest.Item, Check]) -> None:
        fitting = [one for item, one in declared.items() if fits(pattern, one.id, _name(item, one))]
        phase = self._run.plan.phase if self._run else ""
        if self._run is not None:
            self._run.unasked = not any(one.runs_in(phase) for one in fitting)
        if not fitting:
            ids = sorted({one.id for one in declared.values()} | {_name(*both) for both in declared.items()})
            close = get_close_matches(pattern, ids, n=3)
            hint = f"close to it: {', '.join(close)}" if close else "see the list in README"
            raise pytest.UsageError(f"--check={pattern}: there is no such check or case; {hint}.")
        if phase and not any(one.runs_in(phase) for one in fitting):
            other = fitting[0]
            raise pytest.UsageError(
                f"--check={pattern}: {other.id} belongs to another phase: add --phase={other.phase}."
            )


def fits(pattern: str, check_id: str, case_name: str) -> bool:
    """Whether a pattern matches this check or this case of it; brackets belong to the case and are not special."""
    return pattern in {check_id, case_name} or any(
        fnmatchcase(text, pattern.replace("[", "[[]")) for text in (check_id, case_name)
    )


def declaration(item: pytest.Item) -> Check | None:
    """The check that an item is declared as, by one of its parameters or by its function.

    None without a declaration.
    """
    callspec = getattr(item, "callspec", None)
    parameters: Iterable[object] = callspec.params.values() if callspec else ()
    own = next((getattr(one, ATTRIBUTE) for one in parameters if hasattr(one, ATTRIBUTE)), None)
    declared = own or getattr(getattr(item, "function", None), ATTRIBUTE, None)
    return declared if isinstance(declared, Check) else None


def case_of(item: pytest.Item) -> str:
    """The item's case id; empty for a check without cases, and for one that a parameter declares."""
    callspec = getattr(item, "callspec", None)
    own = callspec is not None and any(hasattr(one, ATTRIBUTE) for one in callspec.params.values())
    return str(callspec.id) if callspec and not own else ""


def what_came(run: Run) -> str:
    """The result of a run of a selection: `12 of 203 selected, all passed; no verdict on the release`."""
    outcomes = Counter(run.results[key].outcome for key in run.selected if key in run.results)
    absent = len(run.selected) - outcomes.total()
    counts = [f"{outcomes[outcome]} {word}" for outcome, word in WORDS.items() if outcomes[outcome]]
    counts += [f"{absent} did not run"] if absent else []
    lacking = sum(result.outcome is Outcome.NOT_APPLICABLE for result in run.results.values())
    not_applicable = f", and {lacking} not applicable here" if lacking else ""
    if not run.selected:
        return f"nothing of {run.collected} selected ({run.selection}){not_applicable}; no verdict on the release"
    all_passed = outcomes[Outcome.PASSED] == len(run.selected)
    came_to = ", all passed" if all_passed else f": {', '.join(counts)}"
    return f"{len(run.selected)} of {run.collected} selected{came_to}{not_applicable}; no verdict on the release"


def _name(item: pytest.Item, declared: Check) -> str:
    return name((declared.id, case_of(item)))
