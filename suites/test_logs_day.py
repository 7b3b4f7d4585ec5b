"""Success metric 1: a day of the revision's own serving without a 5xx, accumulated from run to run."""

from fixtures.day import Day
from fixtures.logs import Canary, plot_errors, show_errors
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure, Pending
from gate.run import Run
from probes.logs.day import DayLook
from probes.logs.incidents import Incidents
from probes.statistics.exact import share_upper_bound


@check(
    "logs.zero-500-day",
    requirement="the revision has served for 24 h without a 5xx, with traffic, on a source that was proved alive",
    needs="logs http run",
    phase="day",
    remedy="See the clusters: route, signature, first and last time. If PENDING, run make day-staging every hour.",
    looking="the windows in the gate's report: an event, a gap, or time; `make gate TARGET=staging "
    "EXPLAIN=logs.zero-500-day`",
)
async def test_a_day_without_a_server_error(
    day: Day, canary: Canary, incidents: Incidents, recorder: Recorder, run: Run
) -> None:
    """Each run proves the time since the last proved window; the windows are joined until they cover 24 hours."""
    recorder.trace(canary.trace_id, "GET the canary")
    if day.unread:
        recorder.attach("evidence that could not be used", list(day.unread[:10]))
    if day.look is not None:
        _record(day, day.look, canary, recorder)
    together = day.together(recorder.accruals)
    if together:
        recorder.add_figure(together.figure)
    if day.look is not None and day.look.errors:
        shown = show_errors(day.look.errors, day.look.lines, incidents, recorder, run.redactor.text)
        raise CheckFailure(expected="no 5xx", actual=shown)
    before = sum(one.events for one in day.earlier)
    if before:
        raise CheckFailure(expected="no 5xx", actual=f"{before} in earlier windows of this revision's day")
    _refuse_unproved(day, canary)
    if together is None:
        raise Pending("no window yet: the revision has only just begun to serve")
    if together.owed:
        raise Pending(together.owed, owed_until=together.until)


def _record(day: Day, look: DayLook, canary: Canary, recorder: Recorder) -> None:
    recorder.attach("query", look.query)
    plot_errors(look.errors, look.window, recorder)
    recorder.figures(
        rule="5xx in the window that this run adds",
        n=look.requests,
        value=len(look.errors),
        limit=0,
        window=look.window.text,
        confidence=0.95,
        share_at_most=round(share_upper_bound(len(look.errors), look.requests), 5),
        at_least=look.more,
        counted_by_the_platform=look.counted,
        pages=look.pages,
        canary_s=round(canary.delay_s, 2),
    )
    recorder.accrue(
        "window",
        start=look.window.start,
        end=look.window.end,
        need_s=day.need_s,
        proved=day.proved,
        events=len(look.errors),
        n=look.requests,
    )


def _refuse_unproved(day: Day, canary: Canary) -> None:
    """Raise Broken if finding no 5xx in this run's window is not evidence that there were none."""
    if canary.entry is None:
        raise Broken(f"the source is not proved alive: our own request is not in it after {canary.delay_s:.0f} s")
    if not day.alive:
        raise Broken(
            f"our own request, logged by {canary.entry.revision or 'no revision'}, did not come back through the "
            "revision under test from every source that is read: see release.revision, and the Log Analytics view"
        )
    if day.look is not None and day.look.silent:
        hours = ", ".join(f"{hour:%Y-%m-%d %H:%M}" for hour in day.look.silent)
        raise Broken(f"the log has no entries for hours in which the platform counted requests: from {hours} (UTC)")
    if day.look is not None and day.look.doubt:
        raise Broken(f"{day.look.doubt}; finding none among these is not evidence that there are none")
