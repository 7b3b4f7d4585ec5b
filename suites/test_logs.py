"""Zero 5xx, on a source that is alive and read to its end, for this revision, with traffic."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from fixtures.auth_log import AuthLog
from fixtures.http_services import Door
from fixtures.log_lookup import AROUND, LogLookup
from fixtures.logs import Canary, plot_errors, show_errors
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure, Pending
from gate.run import Run
from probes.foreign.excerpt import excerpt
from probes.google.cloud_run import CloudRun, RequestCounts, ServiceDescription
from probes.logs.cloud_logging import SERVER_ERROR_FILTER
from probes.logs.entries import SERVER_ERRORS, LogEntry, LogRead
from probes.logs.export import ExportFile
from probes.logs.incidents import Incidents
from probes.logs.provoked import Outage
from probes.problem import Problem
from probes.statistics.exact import share_upper_bound
from probes.timing.waiting import await_steady
from probes.timing.window import Window
from targets.contract import Contract

SERIES, REFUSED = 60, 20  # requests, more than a default page of 50; of them without the token that they need


@check(
    "logs.canary",
    requirement="our marked request is found in the log, through the revision under test",
    needs="logs http run",
    remedy="Remove exclusion filters from the request log, give our account roles/logging.viewer, then wait.",
    looking="the trace id of the evidence in Logs Explorer; exclusion filters of the log router; "
    "`roles/logging.viewer` of our account",
)
async def test_our_own_request_is_found(canary: Canary, release: ServiceDescription, recorder: Recorder) -> None:
    """One of our requests is read back from the same source that must show zero 5xx."""
    recorder.trace(canary.trace_id, "GET the canary")
    recorder.figures(rule="ingestion delay of our canary", n=1, value=round(canary.delay_s, 2), unit="s")
    if canary.entry is None:
        raise CheckFailure(
            expected=f"trace {canary.trace_id} in the request log",
            actual=f"not found after {canary.delay_s:.0f} s and {len(canary.attempts)} reads",
            evidence={"attempts": list(canary.attempts[-5:])},
        )
    if canary.entry.revision != release.under_test:
        raise CheckFailure(
            expected=f"logged by {release.under_test}", actual=f"logged by {canary.entry.revision or 'no revision'}"
        )


@check(
    "logs.complete",
    requirement="the log covers the whole window and was read to its last page",
    needs="logs http run",
    remedy="Read every page: --limit 50 is not a count. A gap in the window means that entries were dropped.",
    looking="the window and the pages in the evidence; for an export, its size: a round number is a limit",
)
async def test_the_reading_is_complete(
    revision_log: LogRead, backend: Door, log_lookup: LogLookup, contract: Contract, run: Run, recorder: Recorder
) -> None:
    """The revision's log is complete to its stated end, and contains a series of our requests, refused ones too."""
    begun, mark = log_lookup.clock.now(), f"complete-{run.id}"
    await _ask_a_series(backend, contract, mark)
    found: set[str] = set()

    def lacking(read: LogRead) -> str:
        found.clear()
        found.update(entry.trace_id for entry in read.entries if entry.is_request)
        return "" if len(found) >= SERIES else f"{len(found)} of our {SERIES} requests; {read.doubt}"

    series, looked = await log_lookup.until(begun, [f'httpRequest.requestUrl:"{mark}"'], lacking)
    recorder.figures(
        rule="our requests found in the log",
        n=SERIES,
        value=len(found),
        limit=SERIES,
        pages=revision_log.pages,
        entries=revision_log.total,
        duplicates=revision_log.duplicates,
    )
    if not looked.steady:
        raise CheckFailure(expected=f"all of our {SERIES} requests in the log", actual=looked.attempts[-1])
    for read in (revision_log, series):
        if read is not None and not read.exhausted:
            raise CheckFailure(expected="pages that come to an end", actual=read.doubt)


async def _ask_a_series(backend: Door, contract: Contract, mark: str) -> None:
    """Send the series of requests, each with the mark in its URL."""
    paths = [contract.paths.threads] * REFUSED + [contract.paths.liveness] * (SERIES - REFUSED)
    await backend.pace.together(partial(backend.get, f"{path}?{mark}") for path in paths)


@check(
    "logs.zero-500",
    requirement="the revision has answered no 5xx since it began to serve",
    needs="logs",
    remedy="See the clusters in the report: route, signature, first and last time, and the incident they match.",
    looking="the clusters by route and signature in the report, each with a trace; `make gate TARGET=staging "
    "EXPLAIN=logs.zero-500`",
)
async def test_there_is_no_server_error(
    revision_log: LogRead,
    last_day: LogRead | None,
    export: ExportFile | None,
    proof_of_life: Canary | None,
    outages: tuple[Outage, ...],
    incidents: Incidents,
    recorder: Recorder,
    run: Run,
) -> None:
    """Every request-log entry with 500..599 counts, once per insertId, including the platform's own."""
    provoked = {error for outage in outages for error in outage.errors}
    errors = [entry for entry in revision_log.server_errors if entry not in provoked]
    if outages:
        recorder.attach("503s that this suite's runs caused on purpose", [outage.text for outage in outages])
    _record_errors(revision_log, errors, len(provoked), recorder)
    if last_day is not None:
        _record_last_day(last_day, provoked, recorder)
    plot_errors(errors, revision_log.window, recorder)
    if errors:
        clusters = show_errors(errors, revision_log.entries, incidents, recorder, run.redactor.text)
        share = f"{len(errors)} of {revision_log.requests} requests{_by_revision(errors, revision_log)}"
        raise CheckFailure(expected="no 5xx", actual=f"{share}: {clusters}")
    alive = export is not None or (proof_of_life is not None and proof_of_life.entry is not None)
    _refuse_unproved(revision_log, alive=alive)


def _record_errors(read: LogRead, errors: Sequence[LogEntry], provoked: int, recorder: Recorder) -> None:
    recorder.attach("query", read.query or read.source)
    recorder.figures(
        rule="5xx in the request log",
        n=read.requests,
        value=len(errors),
        limit=0,
        window=read.window.text,
        confidence=0.95,
        share_at_most=round(share_upper_bound(len(errors), read.requests), 5),
        pages=read.pages,
        source=read.source,
        provoked=provoked,
        delivered_again=read.duplicates,
        revisions=dict(read.revisions),
    )


def _record_last_day(last_day: LogRead, provoked: set[LogEntry], recorder: Recorder) -> None:
    revisions = Counter(entry.revision for entry in last_day.server_errors if entry not in provoked)
    recorder.figures(
        rule="5xx of any revision in the last 24 h (for information)",
        value=revisions.total(),
        window=last_day.window.text,
        revisions=dict(revisions),
    )


def _refuse_unproved(read: LogRead, *, alive: bool) -> None:
    """Raise Broken or Pending if a log without a 5xx does not prove that there was none."""
    if not read.exhausted:
        raise Broken(f"{read.source}: {read.doubt}; finding none among these is not evidence that there are none")
    if not alive:
        raise Broken("the source is not proved alive: our own marked request was not found in it")
    if not read.requests:
        raise Pending("no traffic in the window: zero 5xx among zero requests proves nothing")


def _by_revision(errors: Sequence[LogEntry], read: LogRead) -> str:
    """How many entries of each revision, if the log has several; else empty."""
    if len(read.revisions) <= 1:
        return ""
    counts = Counter(error.revision for error in errors)
    return " (" + ", ".join(f"{name}: {counts[name]} of {n}" for name, n in sorted(read.revisions.items())) + ")"


@check(
    "logs.incidents",
    requirement="no entry has the signature of a known incident, the report's three included",
    needs="logs",
    remedy="The phrases are in [contract.logs.incidents]: see which incident came back, and apply its fix.",
    looking="the signature and an entry of it in the report: which of the three categories came back?",
)
async def test_the_known_incidents_are_gone(revision_log: LogRead, incidents: Incidents, recorder: Recorder) -> None:
    """No entry of the revision, whatever its kind of payload, matches a known incident."""
    found = [(name, entry) for entry in revision_log.entries if (name := incidents.name(entry.text))]
    recorder.attach("query", revision_log.query or revision_log.source)
    recorder.figures(rule="entries that match a known incident", n=revision_log.total, value=len(found), limit=0)
    if found:
        name, entry = found[0]
        counts = Counter(kind for kind, _ in found)
        raise CheckFailure(
            expected="no entry of a known incident",
            actual=f"{dict(counts)}; first: {name} at {entry.timestamp}: {excerpt(entry.text)!r}",
        )
    _refuse_partial(revision_log)


@check(
    "logs.secrets",
    requirement="no log entry contains a token or credential, in the backend's log or the auth service's",
    needs="logs",
    remedy="Never log a header, a URL with its query, or an exception that holds either.",
    looking="**rotate it first**. Then the entry's place (never its text) in the evidence: which line of code logs it?",
)
async def test_no_secret_is_logged(revision_log: LogRead, auth_log: AuthLog, recorder: Recorder) -> None:
    """No entry of either service holds a JWT, a URL with a password, or a secret that the target has.

    The auth service's log is read since this run began; an exported file is read for the backend alone.
    """
    reads = {"backend": revision_log}
    if revision_log.exhausted and (read := await auth_log.read()) is not None:
        reads["auth service"] = read
    places = list[str]()
    for whose, read in reads.items():
        found = [entry for entry in read.entries if auth_log.shows_credential(entry)]
        rule = f"entries of the {whose} with a credential"
        recorder.figures(rule=rule, n=read.total, value=len(found), limit=0, window=read.window.text)
        if found:
            place = f"{found[0].log_name.rpartition('%2F')[2]} of the {whose}"
            places.append(f"{len(found)} entries, first at {found[0].timestamp} in {place}")
    if places:
        raise CheckFailure(expected="no credential in the log", actual="; ".join(places))
    for read in reads.values():
        _refuse_partial(read)


def _refuse_partial(read: LogRead) -> None:
    if not read.exhausted:
        raise Broken(f"{read.source}: {read.doubt}; the rest may contain one")


@check(
    "logs.metrics-agree",
    requirement="the platform's request counts and the log agree",
    needs="logs metrics run http",
    remedy="A sink or an exclusion filter drops entries that the platform counted: check the log router.",
    looking="both counts and their windows in the evidence; sinks and exclusion filters of the log router",
)
async def test_counts_and_log_agree(
    cloud_run: CloudRun,
    log_lookup: LogLookup,
    release: ServiceDescription,
    backend: Door,
    contract: Contract,
    recorder: Recorder,
    narrate: Callable[[str], None],
) -> None:
    """The platform counts no more 5xx than the log shows, and it does count requests."""
    await backend.get(contract.paths.liveness)
    if release.current is None:
        raise Broken(f"the platform does not list {release.under_test}")
    clock, wait_s, created = log_lookup.clock, contract.logs.metrics_wait_s, release.current.created
    started = clock.since(created, AROUND).start

    service, revision = release.service, release.under_test

    async def read_counts() -> RequestCounts:
        return await cloud_run.request_counts(service, revision, Window(started, clock.now()))

    codes = (await _await_counts(read_counts, wait_s, narrate)).codes
    window = clock.since(created, AROUND)
    read = await log_lookup.source.read(window, [SERVER_ERROR_FILTER], service=service, revision=revision)
    logged = len([entry for entry in read.server_errors if not entry.platform_made])
    _judge_counts(codes, logged, wait_s, recorder)


def _judge_counts(codes: Counter[int], logged: int, wait_s: float, recorder: Recorder) -> None:
    counted = sum(count for code, count in codes.items() if code in SERVER_ERRORS)
    recorder.figures(
        rule="5xx counted by the platform over 5xx in the log", n=codes.total(), value=counted, limit=logged
    )
    if not codes.total():
        raise Pending(f"the platform counted no request within {wait_s:.0f} s: its metrics lag by minutes")
    if counted > logged:
        raise CheckFailure(expected=f"{counted} 5xx in the log, as counted", actual=f"{logged} in the log")


async def _await_counts(
    read_counts: Callable[[], Awaitable[RequestCounts]], wait_s: float, narrate: Callable[[str], None]
) -> RequestCounts:
    """The platform's counts once they hold any request, or as they are when the time is up."""
    counts = RequestCounts(Counter(), Counter())

    async def look() -> Problem:
        nonlocal counts
        counts = await read_counts()
        return "" if counts.codes.total() else "no request counted yet"

    await await_steady(look, in_a_row=1, deadline_s=wait_s, narrate=narrate)
    return counts
