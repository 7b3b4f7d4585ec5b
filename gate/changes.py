"""What has changed since the last run of this target: pure, from two verdict documents."""

from collections.abc import Iterator

from gate.figures import Figure
from gate.outcomes import Outcome
from gate.verdict_document import Changes, Document, Estimate, Moved, Row

BAD = frozenset({Outcome.FAILED, Outcome.BROKEN})


def changes(document: Document, previous: Document | None) -> Changes | None:
    """Cases that newly fail or newly pass, and figures whose confidence intervals no longer touch; None: no last run.

    A case that the other run did not have is not a change, and neither is one that was undecided.
    """
    if previous is None:
        return None
    before, now = _ran(previous), _ran(document)
    both = [name for name in now if name in before]
    return Changes(
        since=previous.run_id,
        revision=previous.revision,
        newly_failing=[one for one in both if now[one].outcome is Outcome.FAILED is not before[one].outcome],
        newly_passing=[one for one in both if now[one].outcome is Outcome.PASSED and before[one].outcome in BAD],
        moved=[moved for name in both for moved in _moved(now[name], before[name])],
        new_causes=_beyond(document, previous),
        gone_causes=_beyond(previous, document),
    )


def _beyond(one: Document, other: Document) -> list[str]:
    """The causes of failures in one document that the other does not have, by their signature."""
    known = {cause.key for cause in other.causes if cause.outcome is Outcome.FAILED}
    return [cause.sentence for cause in one.causes if cause.outcome is Outcome.FAILED and cause.key not in known]


def _ran(document: Document) -> dict[str, Row]:
    missing = frozenset(document.missing)
    return {row.name: row for row in document.checks if row.name not in missing}


def _moved(now: Row, before: Row) -> Iterator[Moved]:
    earlier = {figure.rule: _estimate(figure) for figure in before.figures}
    for figure in now.figures:
        old, new = earlier.get(figure.rule), _estimate(figure)
        if old and new and (new.low > old.high or new.high < old.low):
            yield Moved(name=now.name, rule=figure.rule, unit=figure.unit, before=old, now=new)


def _estimate(figure: Figure) -> Estimate | None:
    """A value with its interval; None for a figure without one, or with one that is open at an end."""
    low, high = figure.interval or (None, None)
    if figure.value is None or low is None or high is None:
        return None
    return Estimate(float(figure.value), float(low), float(high))
