"""What fix 6 promises: metrics that count, and traces that arrive."""

from dataclasses import replace
from functools import partial
from http import HTTPStatus

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from fixtures.http_services import Door, seen
from fixtures.journeys import route_of
from fixtures.log_lookup import LogLookup
from fixtures.logs import trace_name
from fixtures.threads import Threads
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.foreign.excerpt import excerpt
from probes.logs.entries import LogRead
from targets.contract import Contract
from targets.model import Target

REQUESTS = 5
NO_SUCH_ID = "nv-asked-for-by-its-path"


@check(
    "observability.metrics",
    requirement="/metrics can be parsed, and counts our requests by route, not by path",
    needs="http token exposition",
    remedy="Fix 6: expose Prometheus text from the serving process, with one registry. Label by the route's template: "
    "by path there is a series for every id, and anybody can read the ids.",
    looking="`curl $BACKEND/metrics` twice with a request in between",
)
async def test_metrics_move(
    threads: Threads, backend: Door, owner: User, contract: Contract, recorder: Recorder
) -> None:
    """After five requests the contract's counter, by status and route, has grown by at least five.

    No label holds the id of a thread that was asked for.
    """
    before = sum(sample.value for sample in await _requests(backend, contract))
    method, path = route_of(contract, "read", NO_SUCH_ID)
    if path:
        unrouted = replace(backend, routes={})
        await unrouted.ask(method, path, token=threads.tokens.good(owner))
    await backend.pace.together([partial(threads.page, owner)] * REQUESTS)
    counted = await _requests(backend, contract)
    if any(NO_SUCH_ID in label for sample in counted for label in sample.labels.values()):
        raise CheckFailure(expected="series by route", actual=f"one for the path with the id {NO_SUCH_ID}")
    after = sum(sample.value for sample in counted)
    recorder.figures(rule="growth of the request counters", n=REQUESTS, value=after - before, limit=REQUESTS)
    if after - before < REQUESTS:
        raise CheckFailure(expected=f"at least {REQUESTS} more requests counted", actual=f"{after - before:g}")


async def _requests(backend: Door, contract: Contract) -> list[Sample]:
    answer = await backend.get(contract.paths.metrics)
    if answer.status != HTTPStatus.OK:
        raise CheckFailure(expected="200 with Prometheus text", actual=seen(answer))
    try:
        families = list(text_string_to_metric_families(answer.text))
    except ValueError as error:
        raise CheckFailure(expected="Prometheus text", actual=f"{error}: {excerpt(answer.text, 120)!r}") from error
    rules = contract.metrics
    counted = [sample for family in families for sample in family.samples if sample.name == rules.requests_counter]
    if not counted:
        raise CheckFailure(
            expected=f"{rules.requests_counter} (contract.metrics.requests_counter)",
            actual=f"families: {[family.name for family in families][:10]}",
        )
    labels = {rules.status_label, rules.route_label}
    if lacking := sorted(label for label in labels if not all(sample.labels.get(label) for sample in counted)):
        raise CheckFailure(
            expected=f"{', '.join(sorted(labels))} on each sample of {rules.requests_counter} (contract.metrics)",
            actual=f"without {', '.join(lacking)}: {[dict(sample.labels) for sample in counted][:3]}",
        )
    return counted


@check(
    "observability.trace",
    requirement="the trace id we sent is on the log entries of that request",
    needs="http logs token app-trace",
    remedy="Adopt the trace of traceparent or X-Cloud-Trace-Context, and log it as logging.googleapis.com/trace.",
    looking='the trace id of the evidence in Logs Explorer: `trace="projects/netra-staging/traces/…"`',
)
@pytest.mark.beside
async def test_the_trace_arrives(
    threads: Threads, owner: User, log_lookup: LogLookup, target: Target, recorder: Recorder
) -> None:
    """A request's trace id finds both its request-log entry and an application log line."""
    begun = log_lookup.clock.now()
    await threads.page(owner)
    trace_id = recorder.trace_ids[-1]

    def lacking(read: LogRead) -> str:
        kinds = {entry.is_request for entry in read.entries}
        return "" if kinds == {True, False} else f"{len(read.entries)} entries, request log: {True in kinds}"

    condition = f'trace="{trace_name(target, trace_id)}"'
    # Only the backend's: lines of the auth service with the same trace would hide that the backend lost it.
    _, found = await log_lookup.until(begun, [condition], lacking, service=target.backend.service)
    if not found.steady:
        raise CheckFailure(
            expected=f"request log and application lines under trace {trace_id}", actual=found.attempts[-1]
        )
