"""Over merged runs, too, worse or less evidence never improves the verdict."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.check import Phase
from gate.outcomes import Outcome
from gate.release.conclusion import Frame, conclude
from gate.release.gathering import Evidence
from gate.release.seal import seal
from gate.release.stored_run import StoredRun, Unusable, read
from gate.run import new_run_id
from gate.verdict import Key
from gate.verdict_document import Document, encode
from tests.gate.release.stores import NEEDS, START, shard, stored, window

GOODNESS = {"NO-GO": 0, "INCONCLUSIVE": 1, "GO": 2}
KEYS: tuple[Key, ...] = (("threads.order", ""), ("auth.accepts", "rest"), ("auth.accepts", "auth"))
SOAK: Key = ("websocket.one-hour", "")
DAY: Key = ("logs.zero-500-day", "")
REQUIRED = {"smoke": frozenset(KEYS), "soak": frozenset({SOAK}), "day": frozenset({DAY})}
WORSE = {
    Outcome.PASSED: (Outcome.PENDING, Outcome.BROKEN, Outcome.NOT_APPLICABLE, Outcome.FAILED),
    Outcome.PENDING: (Outcome.FAILED,),
    Outcome.BROKEN: (Outcome.FAILED,),
    Outcome.NOT_APPLICABLE: (Outcome.FAILED,),
    Outcome.FAILED: (Outcome.FAILED,),
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """One run, before it is written."""

    phase: Phase
    outcomes: tuple[tuple[Key, Outcome], ...]
    accrual: dict[str, Any] | None = None
    interrupted: str = ""
    residue: int | None = 0

    @property
    def bad(self) -> bool:
        return any(outcome is Outcome.FAILED for _, outcome in self.outcomes) or bool(
            (self.accrual or {}).get("events")
        )


MOSTLY_GOOD = st.sampled_from([Outcome.PASSED] * 12 + [Outcome.BROKEN, Outcome.PENDING, Outcome.FAILED])
SMOKES = st.builds(
    lambda outcomes: Told(phase="smoke", outcomes=tuple(zip(KEYS, outcomes, strict=True))),
    st.tuples(*[MOSTLY_GOOD] * len(KEYS)),
)
SHARDS = st.builds(
    lambda number, events: Told(
        phase="soak", outcomes=((SOAK, Outcome.PENDING),), accrual=shard(number, 2, events=events)
    ),
    st.integers(0, 1),
    st.sampled_from([0] * 9 + [1]),
)
DAYS = st.builds(
    lambda start, events: Told(
        phase="day", outcomes=((DAY, Outcome.PENDING),), accrual=window(start, start + 13, events=events)
    ),
    st.sampled_from([0, 12, 20]),
    st.sampled_from([0] * 9 + [1]),
)
WHOLE = (
    Told(phase="smoke", outcomes=tuple((key, Outcome.PASSED) for key in KEYS)),
    *(Told(phase="soak", outcomes=((SOAK, Outcome.PENDING),), accrual=shard(number, 2)) for number in range(2)),
    *(Told(phase="day", outcomes=((DAY, Outcome.PENDING),), accrual=window(start, start + 13)) for start in (0, 12)),
)
RUNS = st.lists(SMOKES | SHARDS | DAYS, max_size=4).map(lambda more: (*WHOLE, *more))


def write(told: tuple[Told, ...]) -> list[Document]:
    return [
        stored(
            dict(one.outcomes),
            phase=one.phase,
            at_h=float(at),
            interrupted=one.interrupted,
            residue=one.residue,
            accruals={one.outcomes[0][0]: [one.accrual]} if one.accrual else None,
        )
        for at, one in enumerate(told)
    ]


def evidence(documents: list[Document], *, gates: tuple[StoredRun, ...] = ()) -> Evidence:
    runs = [read(one.run_id, encode(seal(one, None, None)), "mini") for one in documents]
    usable = tuple(one for one in runs if isinstance(one, StoredRun))
    unusable = tuple(one for one in runs if isinstance(one, Unusable))
    assert not unusable
    return Evidence(where="here", runs=usable, gates=gates, unusable=unusable, discards={}, unfinished=())


def judge(found: Evidence) -> Document:
    frame = Frame(target="mini", environment="local", profile="full", required=REQUIRED, revision="rev-1", needs=NEEDS)
    return conclude(found, frame, new_run_id(), START + timedelta(days=3))


def verdict(told: tuple[Told, ...]) -> str:
    return str(judge(evidence(write(told))).verdict)


def test_the_whole_evidence_that_the_properties_start_from_is_go() -> None:
    assert verdict(WHOLE) == "GO"


@settings(deadline=None, max_examples=60)
@given(told=RUNS, which=st.integers(0, 99), how=st.integers(0, 99))
def test_a_worse_outcome_never_improves_the_gates_verdict(told: tuple[Told, ...], which: int, how: int) -> None:
    which %= len(told)
    (key, outcome), *rest = told[which].outcomes
    choice = WORSE[outcome][how % len(WORSE[outcome])]
    worse = replace(told[which], outcomes=((key, choice), *rest))
    assert GOODNESS[verdict((*told[:which], worse, *told[which + 1 :]))] <= GOODNESS[verdict(told)]


@settings(deadline=None, max_examples=60)
@given(told=RUNS, which=st.integers(0, 99), how=st.sampled_from(["cut short", "rows left", "unproved", "an event"]))
def test_a_worse_run_never_improves_the_gates_verdict(told: tuple[Told, ...], which: int, how: str) -> None:
    which %= len(told)
    one = told[which]
    worse = {
        "cut short": replace(one, interrupted="SIGTERM"),
        "rows left": replace(one, residue=None),
        "unproved": replace(one, accrual=one.accrual and one.accrual | {"proved": False}),
        "an event": replace(one, accrual=one.accrual and one.accrual | {"events": one.accrual["events"] + 1}),
    }[how]
    assert GOODNESS[verdict((*told[:which], worse, *told[which + 1 :]))] <= GOODNESS[verdict(told)]


@settings(deadline=None, max_examples=60)
@given(told=RUNS, which=st.integers(0, 99))
def test_less_evidence_never_improves_the_gates_verdict(told: tuple[Told, ...], which: int) -> None:
    """A run that found nothing wrong can go unnoticed; of one that did, an earlier gate remembers that it was there."""
    which %= len(told)
    documents = write(told)
    first = judge(evidence(documents))
    rest = [*documents[:which], *documents[which + 1 :]]
    if not told[which].bad:
        assert GOODNESS[judge(evidence(rest)).verdict] <= GOODNESS[first.verdict]
    remembered = read(first.run_id, encode(seal(first, None, None)), "mini")
    assert isinstance(remembered, StoredRun)
    assert judge(evidence(rest, gates=(remembered,))).verdict != "GO"
