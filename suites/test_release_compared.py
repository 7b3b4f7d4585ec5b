"""The candidate answers what the serving revision answers: the same requests, in turn, on the same data."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

import pytest

from fixtures.candidate import Candidate
from fixtures.compared_log import ComparedLog
from fixtures.comparison import Comparison
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure, Pending
from gate.run import Run
from probes.comparison.asking import Pair
from probes.comparison.noise import CERTAIN, Compared
from probes.comparison.ratio import Ratio, fisher_exact, paired_ratio
from probes.statistics.exact import Finding
from targets.candidate import Compare

ALPHA = 0.05  # for all latency tests together
STAGES = (1, 3)  # multiples of `[compare] pairs` measured by the end of each stage
LOST = 0.1  # share of pairs without two good answers
MOST_SAID = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A case's view of the two revisions."""

    comparison: Comparison
    candidate: Candidate
    log: ComparedLog | None
    recorder: Recorder
    run: Run

    @property
    def rules(self) -> Compare:
        """How they are compared."""
        return self.comparison.rules


@pytest.fixture
def beside(
    comparison: Comparison,
    candidate: Candidate | None,
    compared_log: ComparedLog | None,
    recorder: Recorder,
    run: Run,
) -> Beside:
    """Both revisions, for one case."""
    if candidate is None:
        raise Broken("the phase has no candidate")
    return Beside(comparison=comparison, candidate=candidate, log=compared_log, recorder=recorder, run=run)


async def _answers(beside: Beside) -> None:
    _judge(await beside.comparison.answers(), beside)


async def _refusals(beside: Beside) -> None:
    _judge(await beside.comparison.refusals(), beside)


async def _sessions(beside: Beside) -> None:
    _judge(await beside.comparison.sessions(), beside)


def _judge(compared: Sequence[Compared], beside: Beside) -> None:
    """Refuse every difference that is neither noise nor expected."""
    named = {name: said for one in compared for name, said in one.named().items()}
    unsteady = {one.question: one.unsteady for one in compared if one.unsteady}
    alike = sum(not one.found for one in compared)
    beside.recorder.figures(rule="requests with the same answer", n=len(compared), value=alike, limit=len(compared))
    beside.recorder.attach("asked", {one.question: f"{one.rounds} rounds" for one in compared})
    noise = {one.question: [f"{where} {what}" for where, what in one.noisy] for one in compared if one.noisy}
    beside.recorder.attach("noise: differences within the serving revision", noise)
    left = _unexpected(named, [one.question for one in compared], beside)
    if left:
        raise CheckFailure(
            expected=f"what {beside.candidate.described.serving} answers",
            actual=_some(list(left.values())),
            evidence={"differences": left},
        )
    if unsteady or not compared:
        said = [f"{question}: {why}" for question, why in unsteady.items()] or ["no request was made"]
        raise Broken(f"nothing to compare with: {_some(said)}")


def _unexpected(named: dict[str, str], asked: Collection[str], beside: Beside) -> dict[str, str]:
    """The differences that `[compare] expected` does not list; the others are kept as evidence, with their owner."""
    rules = beside.rules
    by_design = {
        name: f"expected until {one.until.isoformat()} ({one.owner}): {one.reason}"
        for name in named
        if (one := rules.intended(name))
    }
    if by_design:
        beside.recorder.attach("intended differences", by_design)
    beside.run.notes += [
        f"[compare] expected lists {one.what!r} ({one.owner}), which no longer differs: remove it"
        for one in rules.no_longer(asked, named)
    ]
    return {name: said for name, said in named.items() if name not in by_design}


async def _latency(beside: Beside) -> None:
    """Pairs of times: the ratio of the candidate's to the serving revision's, in two stages at 5 % together."""
    questions = await beside.comparison.timed()
    alpha = ALPHA / (len(questions) * len(STAGES))
    slower, undecided = [], []
    for question in questions:
        wanted, found, pairs = 0, Finding.OPEN, list[Pair]()
        for stage in STAGES:
            more, wanted = beside.rules.pairs * stage - wanted, beside.rules.pairs * stage
            pairs += await beside.comparison.times(question, more)
            _refuse_lost(question.name, len(pairs), wanted)
            ratio, whose = _ratio(pairs, alpha)
            found = ratio.finding(beside.rules.latency_ratio)
            if found is not Finding.OPEN:
                break
        _state(question.name, ratio, whose, beside)
        said = f"{question.name}: {ratio.value:.2f} times (between {ratio.low:.2f} and {ratio.high:.2f}, n={ratio.n})"
        slower += [said] if found is Finding.REFUTED else []
        undecided += [said] if found is Finding.OPEN else []
    limit = f"at most {beside.rules.latency_ratio:g} times as long as {beside.candidate.described.serving}"
    if slower:
        raise CheckFailure(expected=limit, actual="; ".join(slower))
    if undecided:
        raise Pending(f"not decided: {'; '.join(undecided)}; the limit is {beside.rules.latency_ratio:g}")


def _refuse_lost(name: str, got: int, wanted: int) -> None:
    if got < (1 - LOST) * wanted:
        raise Broken(f"{name}: only {got} of {wanted} pairs have two good answers: nothing is known about the rest")


def _ratio(pairs: Sequence[Pair], alpha: float) -> tuple[Ratio, str]:
    """The ratio by the services' own clocks if every answer has a time, else by ours."""
    theirs = [pair.server for pair in pairs if pair.server is not None]
    whole = bool(pairs) and len(theirs) == len(pairs)
    times = theirs if whole else [pair.client for pair in pairs]
    try:
        return paired_ratio(times, alpha), "server" if whole else "client"
    except ValueError as error:
        raise Broken(f"the times can't be compared: {error}") from error


def _state(name: str, ratio: Ratio, whose: str, beside: Beside) -> None:
    beside.recorder.figures(
        rule=f"{name}: ratio of paired times ({whose}'s clock), Wilcoxon's signed ranks",
        n=ratio.n,
        value=round(ratio.value, 3),
        unit="x",
        limit=beside.rules.latency_ratio,
        confidence=1 - ALPHA,
        interval=(round(ratio.low, 3), round(ratio.high, 3)),
    )


async def _errors(beside: Beside) -> None:
    """Server errors by an exact test, and errors in the log that only the candidate writes."""
    if beside.log is None:
        raise Broken("the check should need `logs`")
    serving, new = beside.comparison.sides.of_serving, beside.comparison.sides.of_candidate
    if not serving.asked or not new.asked:
        raise Broken(f"nothing was compared before this: {serving.asked} and {new.asked} requests")
    chance = fisher_exact(new.failed, new.asked, serving.failed, serving.asked)
    beside.recorder.figures(
        rule="no more server errors than the serving revision, Fisher's exact test",
        n=new.asked,
        value=new.failed,
        serving=serving.failed,
        of=serving.asked,
        chance=round(chance, 5),
        confidence=1 - CERTAIN,
    )
    old_lines, new_lines = await beside.log.errors(beside.candidate)
    beside.recorder.attach("errors in the log", {"serving": dict(old_lines), "candidate": dict(new_lines)})
    said = [f"{new.failed} of {new.asked} answers failed, against {serving.failed} of {serving.asked}"]
    worse = said if chance <= CERTAIN else []
    for signature, count in new_lines.items():
        if fisher_exact(count, new.asked, old_lines[signature], serving.asked) <= CERTAIN:
            worse.append(f"{count} x in the log, against {old_lines[signature]}: {signature}")
    if worse:
        raise CheckFailure(
            expected=f"no more errors than {beside.candidate.described.serving}, and no new kinds",
            actual=_some(worse),
        )


def _some(differences: Sequence[str]) -> str:
    more = f"; and {len(differences) - MOST_SAID} more" if len(differences) > MOST_SAID else ""
    return "; ".join(differences[:MOST_SAID]) + more


PARTS: dict[str, tuple[str, Callable[[Beside], Awaitable[None]]]] = {
    "answers": ("http", _answers),
    "refusals": ("http", _refusals),
    "sessions": ("ws", _sessions),
    "latency": ("http", _latency),
    "errors": ("logs", _errors),
}


@check(
    "release.compared",
    requirement="the candidate gives the serving revision's answers, just as fast and without new errors",
    phase="candidate",
    needs="http run token alone",
    remedy="Remove the difference or, if it is intended, list it under [compare] expected with owner, reason and "
    "end date.",
    looking="the differences in the evidence, each with the question: ask both, `curl -i $BACKEND/…` and `curl "
    "-i $CANDIDATE/…`; `noise` there says what was not looked at",
)
@pytest.mark.parametrize(
    "part", [pytest.param(name, id=name, marks=pytest.mark.also_needs(need)) for name, (need, _) in PARTS.items()]
)
async def test_the_candidate_answers_as_the_serving_revision(beside: Beside, part: str) -> None:
    """Both get the same requests in turn; a second answer of the serving revision shows what is noise."""
    await PARTS[part][1](beside)
