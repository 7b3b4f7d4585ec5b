"""The log compared with our own observations: it has our 5xx, and no request failed behind a successful answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from fixtures.error_answers import ErrorAnswers
from fixtures.log_lookup import LogLookup
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from gate.run import Run
from probes.foreign.excerpt import excerpt
from probes.logs.cloud_logging import SERVER_ERROR_FILTER
from probes.logs.entries import LogEntry, LogRead
from probes.logs.error_clusters import MEANWHILE
from probes.logs.incidents import TRACEBACK
from probes.logs.provoked import without_provoked
from targets.model import Target

SHOWN = 5


@check(
    "logs.own-errors",
    requirement="every 5xx that we received is in the log",
    needs="logs http run",
    remedy="A sink or an exclusion filter drops errors, or something in front of the service sends them: check both.",
    looking="the trace ids of the evidence in Logs Explorer; exclusion filters of the log router; who answered "
    "them, if not the service?",
)
async def test_our_own_server_errors_are_in_the_log(
    error_answers: Mapping[str, ErrorAnswers], log_lookup: LogLookup, target: Target, recorder: Recorder
) -> None:
    """Every 5xx that the backend answered in this run, deliberate ones included, has a log entry with its trace."""
    own = error_answers["backend"]
    lacking = {error.trace_id: error for error in own.server_errors}
    total = len(lacking)

    def still_lacking(read: LogRead) -> str:
        for entry in read.server_errors:
            lacking.pop(entry.trace_id, None)
        return f"{len(lacking)} of {total} are missing; {read.doubt}" if lacking else ""

    if lacking:
        await log_lookup.until(own.since, [SERVER_ERROR_FILTER], still_lacking, service=target.backend.service)
    recorder.figures(rule="5xx of this run's own requests that the log lacks", n=total, value=len(lacking), limit=0)
    for error in [*lacking.values()][:SHOWN]:
        recorder.trace(error.trace_id, error.request)
    if lacking:
        shown = "; ".join(f"{error.status} to {error.request}" for error in [*lacking.values()][:SHOWN])
        raise CheckFailure(
            expected=f"all {total} 5xx that we received in the log", actual=f"{len(lacking)} are not: {shown}"
        )


@check(
    "logs.tracebacks",
    requirement="no traceback without a 5xx",
    needs="logs",
    remedy="An error that is caught, logged and answered with 200 is still an error: report it to the client, or "
    "fix it.",
    looking="the traceback in the report, and its request's answer: what was swallowed there?",
)
async def test_nothing_failed_behind_good_answers(revision_log: LogRead, recorder: Recorder, run: Run) -> None:
    """Each traceback of the revision belongs to a 5xx: by its trace, or by its time if lines have no trace."""
    written = [entry for entry in revision_log.entries if not entry.is_request and TRACEBACK in entry.text]
    tracebacks = without_provoked(written, revision_log.entries) if "http" in run.plan.offers else written
    traces = {error.trace_id for error in revision_log.server_errors}
    moments = [error.moment for error in revision_log.server_errors]
    stray = [entry for entry in tracebacks if not _belongs(entry, traces, moments)]
    recorder.figures(
        rule="tracebacks without a 5xx",
        n=revision_log.total,
        value=len(stray),
        limit=0,
        tracebacks=len(tracebacks),
        provoked_by_our_frames=len(written) - len(tracebacks),
    )
    if stray:
        first = stray[0]
        if first.trace_id:
            recorder.trace(first.trace_id, "the request of the first traceback")
        last_line = excerpt(first.text.strip().splitlines()[-1])
        raise CheckFailure(
            expected="no traceback without a 5xx",
            actual=f"{len(stray)}, the first at {first.timestamp}: {last_line!r}",
        )
    if not revision_log.exhausted:
        raise Broken(f"{revision_log.source}: {revision_log.doubt}; the rest may contain one")


def _belongs(entry: LogEntry, traces: set[str], moments: Sequence[datetime]) -> bool:
    if entry.trace_id:
        return entry.trace_id in traces
    return any(abs(entry.moment - moment) <= MEANWHILE for moment in moments)
