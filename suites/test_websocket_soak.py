"""The success metric itself: sessions that are stable for an hour or more, across the platform's planned cuts."""

from datetime import UTC, datetime, timedelta

from fixtures.agent import refuse_unheard
from fixtures.soak_options import SoakOptions
from fixtures.sockets import FREED, NOT_GLOBAL, OUTSIDE, SocketDoor
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure, Pending
from gate.plots import ClosesPlot, RoundTripPlot, SessionsPlot
from gate.run import Run
from probes.auth.tokens import User
from probes.google.cloud_run import ServiceDescription
from probes.soak.progress import clock
from probes.soak.soak import Soak
from probes.soak.soak_findings import Findings
from probes.websocket.closes import CloseClass
from targets.contract import Contract

MOST_POINTS = 600
MOST_TRACES = 10
TABS = 2
HOUR_S = 3600.0


@check(
    "websocket.one-hour",
    requirement="sessions are stable for an hour: no unplanned close, and back with their state after each planned cut",
    phase="soak",
    needs="ws mint run",
    remedy="See the closes by age. One age: a timeout on the path. One moment: a restart. One session age "
    "across reconnects: a leak, or the lifetime of the token or the state. Only silent sessions: an idle timeout. "
    "An agent that is not heard afterwards: a subscription that was forgotten while idle (health_check_interval).",
    looking="the plots of sessions and closes; `make gate TARGET=staging EXPLAIN=websocket.one-hour`; "
    "[soak.md](soak.md)",
)
async def test_sessions_live_an_hour(
    soak: Soak,
    release: ServiceDescription,
    contract: Contract,
    recorder: Recorder,
    asked: SoakOptions,
    sockets: SocketDoor,
    owner: User,
    run: Run,
) -> None:
    """Sessions are held across their cuts for the promised time; each comes back as the same session.

    The agent was not asked meanwhile; afterwards it is, and its answer still reaches both tabs of a user.
    """
    _refuse_short_timeout(release.request_timeout_s, contract.websocket.session_seconds, recorder)
    ledger = await soak.hold()
    findings = Findings(soak.plan, ledger)
    unfit = soak.unfit()
    _record(findings, recorder)
    _plot(findings, recorder)
    _accrue(findings, recorder, asked, fit=not unfit)
    _judge(findings, asked, unfit, stopped=soak.stopped)
    if "agent" in run.plan.offers:
        tabs = await sockets.open_all(*[owner] * TABS)
        await refuse_unheard(tabs, contract, owner, ", after the agent was silent for as long as the soak")


def _refuse_short_timeout(seconds: float, promised_s: float, recorder: Recorder) -> None:
    """Raise CheckFailure if the platform cuts every session before the promised age: then none is opened."""
    if seconds < promised_s:
        recorder.figures(rule="request timeout", value=seconds, unit="s", limit=promised_s)
        raise CheckFailure(
            expected=f"a request timeout of at least {promised_s:g} s",
            actual=f"{seconds:g} s: the platform cuts every session at that age; none was opened",
            remedy="gcloud run services update … --timeout=3600",
        )


def _judge(findings: Findings, asked: SoakOptions, unfit: str, *, stopped: bool) -> None:
    broken = findings.broken
    if broken and unfit:
        raise Broken(f"{unfit}. This may be caused by our own side: {'; '.join(broken)}")
    if unfit and not findings.ledger.lives:
        raise Broken(unfit)
    if broken:
        plan = findings.plan
        raise CheckFailure(
            expected=f"{plan.sessions} sessions, and {plan.silent} silent ones, stable for {plan.duration_s:g} s",
            actual="; ".join(broken),
            remedy=_what_to_do(findings),
        )
    if stopped:
        raise Pending(f"stopped before its end; {findings.owed or 'what was asked for had been seen'}")
    if findings.owed:
        raise Pending(findings.owed)
    if asked.shard.count > 1:
        share = f"share {asked.shard.index + 1} of {asked.shard.count}"
        raise Pending(f"{share} held; the gate combines the shares of {asked.shard.group}")


def _what_to_do(findings: Findings) -> str:
    """The remedy for what came back wrong; empty if connections ended, whose plot shows where to look."""
    if findings.exposure.early or findings.cut_while_silent:
        return ""
    broken = findings.ledger.breaches.keys()
    if broken & {"wrong user", "another's message"}:
        return NOT_GLOBAL
    if broken & {"state lost", "message lost", "message doubled"}:
        return OUTSIDE
    return FREED if "not back" in broken else ""


def _record(findings: Findings, recorder: Recorder) -> None:
    """State the figures, what was observed and what that does not prove; name the traces of early ends."""
    ledger, exposure = findings.ledger, findings.exposure
    _record_promises(findings, recorder)
    _record_times(findings, recorder)
    recorder.attach("our own health, at worst", ledger.worst.as_json())
    recorder.attach("observed by age", findings.by_age())
    recorder.attach("what this does not prove", exposure.sentence())
    if ledger.gaps:
        gaps = [f"nothing was observed from {_stamp(a)} to {_stamp(b)} ({b - a:.0f} s)" for a, b in ledger.gaps]
        recorder.attach("gaps", gaps)
    for life in [life for life in ledger.lives if life.early and life.trace][:MOST_TRACES]:
        recorder.trace(life.trace, f"WebSocket of session {life.line}, connection {life.number}: {life.detail}")


def _record_promises(findings: Findings, recorder: Recorder) -> None:
    """State the figures of the decision: what was observed of how many connections, and how often it broke."""
    exposure = findings.exposure
    fewest, most = findings.cuts_a_session
    recorder.figures(
        rule="the hour: broken promises of the sessions",
        n=len(exposure.lives),
        value=findings.events,
        limit=0,
        confidence=0.95,
        window=_window(findings),
        connection_hours=round(exposure.hours, 4),
        hazard_per_hour=round(exposure.hazard_bound(), 3),
        closes=dict(exposure.closes),
        survival_1h_at_least=round(exposure.survival_bound(hours=findings.plan.hour_s / 3600), 4),
        oldest_age_s=round(exposure.oldest_s, 1),
        planned_cuts_a_session=[fewest, most],
        outlived_their_token=sum(life.outlived_token for life in exposure.lives),
        silent_closes=dict(findings.silent.closes),
    )


def _record_times(findings: Findings, recorder: Recorder) -> None:
    ledger = findings.ledger
    if ledger.backs.n:
        recorder.figures(
            rule="time to be back after a cut, slowest",
            n=ledger.backs.n,
            value=round(ledger.slowest_back_s, 3),
            unit="s",
            limit=findings.plan.pace.reconnect_s,
            p95_ms=ledger.backs.percentile(0.95),
            attempts=ledger.attempts,
        )
    recorder.figures(
        rule="round trip of an echo, p95",
        n=ledger.times.n,
        value=ledger.times.percentile(0.95),
        unit="ms",
        p50=ledger.times.percentile(0.5),
        p99=ledger.times.percentile(0.99),
    )


def _window(findings: Findings) -> str:
    """What was observed of the promise, as text."""
    plan, ledger = findings.plan, findings.ledger
    seen = f"held for {clock(ledger.held_s)}, oldest age {findings.exposure.oldest_s:.0f} s of {plan.need_s:g} s"
    if ledger.gaps:
        seen += f", with {len(ledger.gaps)} gap(s) in which no run of the suite was active"
    if plan.hour_s != HOUR_S:
        seen += f"; time is compressed: {plan.hour_s:g} s stand for {HOUR_S:g} s"
    return seen


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _plot(findings: Findings, recorder: Recorder) -> None:
    ledger = findings.ledger
    ticks = ledger.ticks[:: max(len(ledger.ticks) // MOST_POINTS, 1)]
    at_s = [round(tick.at - ledger.began_at, 2) for tick in ticks]
    recorder.plot(SessionsPlot(at_s=at_s, open=[tick.open for tick in ticks]))
    lives = [life for life in findings.ledger.lives if life.close is not CloseClass.OURS]
    if lives:
        by_class: dict[str, list[float]] = {}
        for life in lives[-20 * MOST_POINTS :]:
            by_class.setdefault(str(life.close), []).append(round(life.age_s, 3))
        planned = findings.plan.pace.planned_cut_s
        recorder.plot(ClosesPlot(by_class=by_class, planned_s=planned))
    rtts = [(at, tick.rtt_p50_ms, tick.rtt_p95_ms) for at, tick in zip(at_s, ticks, strict=True) if tick.rtt_p95_ms]
    if rtts:
        at, p50, p95 = zip(*rtts, strict=True)
        recorder.plot(RoundTripPlot(at_s=at, p50_ms=p50, p95_ms=p95))


def _accrue(findings: Findings, recorder: Recorder, asked: SoakOptions, *, fit: bool) -> None:
    """One share's exposure. Its length is the time held, not the time from first to last moment."""
    plan, ledger = findings.plan, findings.ledger
    end = datetime.fromtimestamp(ledger.last_at, UTC)
    recorder.accrue(
        "exposure",
        start=end - timedelta(seconds=ledger.held_s),
        end=end,
        need_s=plan.need_s,
        proved=fit and not findings.owed,
        events=findings.events if fit else 0,
        n=plan.sessions + plan.silent,
        hours=round(findings.exposure.hours + findings.silent.hours, 5),
        group=asked.shard.group,
        shard=asked.shard.index,
        shards=asked.shard.count,
        hour_s=plan.hour_s,
    )
