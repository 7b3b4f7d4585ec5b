"""The rows of the gate's verdict: one per case, combined from every run."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from gate.document import missing_row
from gate.outcomes import Outcome
from gate.plots import WindowsPlot
from gate.release.accruals import Accrued
from gate.release.merge import Merged
from gate.verdict import Key, name
from gate.verdict_document import KnownFailure, KnownState, Row, RowInput

OWED = {
    "soak": "no soak of this revision yet: make soak-staging",
    "day": "no day phase of this revision yet: make day-staging",
}


def merged_row(merged: Merged, *, required: bool) -> Row:
    """The row of a case that some run covered."""
    row = msgspec.structs.replace(
        merged.shown.row,
        outcome=merged.outcome,
        required=required,
        reason=merged.reason or ("" if merged.outcome is Outcome.PASSED else merged.shown.row.reason),
        inputs=[RowInput(one.run.id, one.row.outcome, one.counts) for one in merged.results],
    )
    if merged.reason:
        row = msgspec.structs.replace(row, expected="", actual=merged.reason)
    if merged.accrued:
        row = _with_accruals(row, merged, merged.accrued)
    if merged.outcome is Outcome.PASSED:
        row = msgspec.structs.replace(row, expected="", actual="", remedy="", looking="")
    return row


def _with_accruals(row: Row, merged: Merged, accrued: Accrued) -> Row:
    """The row of a claim that takes longer than one run: the sum of all runs, and each one's share."""
    accruals = [one for result in merged.results for one in result.row.accruals]
    spans = [one for one in accruals if one.kind == "window"]
    return msgspec.structs.replace(
        row,
        figures=[accrued.figure, *row.figures],
        accruals=accruals,
        evidence=row.evidence | ({"owed_until": accrued.owed_until} if accrued.owed_until else {}),
        plots=[*row.plots, *([WindowsPlot(spans=spans)] if spans else [])],
    )


def owed_row(key: Key, phase: str) -> Row:
    """The row of a required case that no run covered: still owed if a phase has yet to run."""
    return missing_row(key, Outcome.PENDING, OWED[phase]) if phase in OWED else missing_row(key)


def known_failures(merged: Mapping[Key, Merged], now: datetime) -> list[KnownFailure]:
    """The known failures of the runs that are shown, each once."""
    listed = {
        one.name: one for it in merged.values() for result in it.results for one in result.run.document.known_failures
    }
    settled = {name(key): one for key, one in merged.items()}
    return [
        msgspec.structs.replace(
            one, state="expired" if one.expires < now.date().isoformat() else _state(settled.get(one.name))
        )
        for one in listed.values()
    ]


def _state(merged: Merged | None) -> KnownState:
    if merged is None:
        return "not seen"
    return "still fails" if merged.accepted else "no longer fails" if merged.stale else "not seen"
