"""What Prometheus observed: a source that is independent of the log and the platform's counts."""

from datetime import UTC, datetime

from fixtures.prometheus import Scraping
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from probes.google.cloud_run import ServiceDescription
from probes.prometheus import Prometheus
from targets.model import Target

MOST_NAMED = 5


@check(
    "observability.prometheus",
    requirement="Prometheus scrapes the service, and has seen no 5xx since this revision began to serve",
    needs="http prometheus run",
    remedy="`up` is 0: /metrics does not answer. 5xx: see logs.zero-500 for the entries, by route and trace.",
    looking="the queries in the evidence, in Prometheus itself: `up`, and the counter of requests with status "
    "5xx by route",
)
async def test_prometheus_saw_no_server_error(
    prometheus: Prometheus,
    scraping: Scraping,
    release: ServiceDescription,
    target: Target,
    recorder: Recorder,
    provoked_503s: int,
) -> None:
    """Every scrape succeeds and counts our own requests, but no answer of 500 or more."""
    await _is_scraped(prometheus, target.prometheus.job)
    doubt = await scraping.doubt()
    if release.current is None:
        raise Broken(f"the platform does not list {release.under_test}")
    serving_s = (datetime.now(UTC) - release.current.created).total_seconds()
    requests = round(await prometheus.requests_within(serving_s))
    errors = await prometheus.server_errors_within(serving_s)
    counted = sum(error.count for error in errors)
    recorder.figures(
        rule="5xx that the service counted, as scraped by Prometheus",
        n=requests,
        value=round(counted),
        unit="answers",
        limit=provoked_503s,
        window=f"{serving_s / 3600:.3g} h of serving, at most the last 24",
    )
    if counted > provoked_503s + 0.5:  # counts over a window are extrapolated, not whole
        named = ", ".join(f"{error.count:.0f} x {error.status} on {error.route}" for error in errors[:MOST_NAMED])
        raise CheckFailure(expected="no answer of 500 or more", actual=f"{named}, of {requests} answers")
    if doubt:  # a 5xx counts in any case; seeing none proves nothing if it is another service
        raise Broken(doubt, remedy="compare [prometheus] job with the backend that is verified")


async def _is_scraped(prometheus: Prometheus, job: str) -> None:
    scrapes = await prometheus.scrapes()
    if not scrapes:
        raise Broken(
            f"Prometheus scrapes no job {job!r}",
            remedy="name the backend's scrape job in [prometheus] job, or add it: deploy/observability/prometheus",
        )
    down = [scrape.labels.get("instance", "") for scrape in scrapes if scrape.value != 1]
    if down:
        raise CheckFailure(
            expected="up is 1: the last scrape of every instance was answered",
            actual=f"{len(down)} of {len(scrapes)} are down: {', '.join(down[:MOST_NAMED])}",
        )
