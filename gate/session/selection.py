"""Which collected tests run: declared ones of this phase whose needs the target offers."""

from collections.abc import Iterable
from difflib import get_close_matches

import pytest

from gate.check import ALSO_NEEDS, AT_THE_END, NEEDS, Check
from gate.outcomes import Outcome
from gate.report.checklist import family_order
from gate.run import Result, Run
from gate.session.case_outcome import RESULT
from gate.session.selecting import case_of, declaration
from gate.verdict import Key, name


def choose(items: list[pytest.Item], run: Run | None) -> list[pytest.Item]:
    """Put the items in the families' order, prepare every item's result, and return the items to leave out.

    A check whose needs the target does not offer is left out with the outcome NOT_APPLICABLE and the reason.

    Raises:
        pytest.UsageError: A test without a declaration, or a check id declared in two places; both are named.
    """
    checks = {item: _declaration(item) for item in items}
    # Stable: within a family as written, except for cases that judge the whole run.
    items.sort(key=lambda item: (item.get_closest_marker(AT_THE_END) is not None, family_order(checks[item].family)))
    _refuse_duplicates(checks)
    left_out = []
    for item, declared in checks.items():
        result = _prepare(item, declared)
        if run is None:
            continue
        if not declared.runs_in(run.plan.phase):
            left_out.append(item)
        elif why := _lacking(needs_of(item), run):
            result.outcome, result.reason = Outcome.NOT_APPLICABLE, why
            run.results[result.key] = result
            left_out.append(item)
    if run is not None:
        _note_unknown(run, {item.stash[RESULT].key for item in checks})
        gone = frozenset(left_out)
        run.selected = [item.stash[RESULT].key for item in checks if item not in gone]
    return left_out


def _note_unknown(run: Run, declared: Iterable[Key]) -> None:
    """Note each known failure that names no case of any phase: it is misspelt, or has another name by now."""
    names = {name(key) for key in declared}
    for unknown in () if run.selection else sorted(run.listed.keys() - names):
        near = get_close_matches(unknown, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        run.notes.append(f"the known failure {unknown} is not the name of a check or case, so it accepts nothing{hint}")


def _prepare(item: pytest.Item, declared: Check) -> Result:
    result = Result(
        check=declared, case=case_of(item), outcome=Outcome.BROKEN, reason="not run", remedy=declared.remedy
    )
    item.stash[RESULT] = result
    _label(item, result)
    return result


def _lacking(needs: frozenset[str], run: Run) -> str:
    """Which needs the target does not offer, each with the reason; empty if it offers all."""
    lacking = sorted(needs - run.plan.offers)
    return "; ".join(f"needs {one}: {run.plan.lacking.get(one, 'not offered')}" for one in lacking)


def needs_of(item: pytest.Item) -> frozenset[str]:
    """What a case needs: its check's needs, and its own. Raises pytest.UsageError for one that no target can offer."""
    declared = declaration(item)
    more = {str(one) for mark in item.iter_markers(ALSO_NEEDS) for one in mark.args}
    if more - NEEDS:
        raise pytest.UsageError(f"{item.nodeid} also needs {sorted(more - NEEDS)}, which no target can offer")
    return (declared.needs if declared else frozenset()) | more


def _declaration(item: pytest.Item) -> Check:
    declared = declaration(item)
    if declared is None:
        path, line, _ = item.reportinfo()
        raise pytest.UsageError(
            f"{path}:{(line or 0) + 1}: {item.name} is not declared as a check: give it @check(id, requirement=…)"
        )
    return declared


def _refuse_duplicates(checks: dict[pytest.Item, Check]) -> None:
    places: dict[str, str] = {}
    for declared in checks.values():
        first = places.setdefault(declared.id, declared.place)
        if first != declared.place:
            raise pytest.UsageError(f"check {declared.id!r} is declared twice: {first} and {declared.place}")


def _label(item: pytest.Item, result: Result) -> None:
    """Give Allure's result file a name by which `gate.report.allure` finds and completes it."""
    item.add_marker(pytest.mark.allure_label(name(result.key), label_type="netra-case"))
