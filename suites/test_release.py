"""Which revision answers, whether it is complete, and the rollback."""

from collections import Counter
from functools import partial

from fixtures.candidate import Candidate
from fixtures.http_services import Door
from fixtures.log_lookup import LogLookup
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from gate.run import Run
from probes.google.cloud_run import ServiceDescription
from probes.logs.entries import LogRead
from probes.statistics.exact import share_upper_bound
from targets.contract import Contract
from targets.model import Sizes, Target


@check(
    "release.revision",
    requirement="every answer comes from the revision under test, N in a row",
    needs="http run logs",
    remedy="Send all traffic to the new revision: gcloud run services update-traffic … --to-latest.",
    looking="the answering revisions in the evidence; `gcloud run services describe netra-backend-staging "
    "--format='value(status.traffic)'`",
)
async def test_every_answer_comes_from_the_revision(
    backend: Door,
    log_lookup: LogLookup,
    release: ServiceDescription,
    contract: Contract,
    sizes: Sizes,
    recorder: Recorder,
    run: Run,
) -> None:
    """N requests, each found in the request log by its mark, were all answered by the revision under test."""
    begun, mark, count = log_lookup.clock.now(), f"revision-{run.id}", sizes.revision_requests
    await backend.pace.together([partial(backend.get, f"{contract.paths.liveness}?{mark}")] * count)
    answered: Counter[str] = Counter()

    def lacking(read: LogRead) -> str:
        answered.clear()
        answered.update(read.revisions)
        return "" if answered.total() >= count else f"{answered.total()} of {count} requests in the log"

    conditions = [f'httpRequest.requestUrl:"{mark}"']
    _, found = await log_lookup.until(begun, conditions, lacking, service=release.service)
    if not found.steady:
        raise Broken(f"only {answered.total()} of our {count} requests are in the request log")
    recorder.figures(
        rule="share of another revision, 95 % bound",
        n=count,
        value=round(share_upper_bound(0, count), 3),
        unit="",
        confidence=0.95,
        answered=dict(answered),
    )
    if set(answered) != {release.under_test}:
        raise CheckFailure(expected=f"{count} answers from {release.under_test}", actual=f"{dict(answered)}")


@check(
    "release.traffic",
    requirement="the revision is ready and takes 100 % of the traffic",
    needs="run serving",
    remedy="See the revision's conditions (gcloud run revisions describe), then send all traffic to it.",
    looking="`gcloud run revisions list --service=netra-backend-staging`; the conditions in the evidence say "
    "why a revision is not ready",
)
async def test_the_revision_is_ready_and_takes_all_traffic(release: ServiceDescription) -> None:
    """The latest created revision is ready, and the only one with traffic."""
    if not release.ready or release.latest_ready != release.latest_created:
        raise CheckFailure(
            expected=f"{release.latest_created} ready",
            actual=f"latest ready is {release.latest_ready}; the service is {'' if release.ready else 'not '}ready",
        )
    if dict(release.traffic) != {release.latest_created: 100}:
        raise CheckFailure(expected=f"100 % on {release.latest_created}", actual=f"{dict(release.traffic)}")


@check(
    "release.candidate",
    requirement="the tag points to a ready revision with no traffic yet, or with the requested share",
    phase="candidate",
    needs="run",
    remedy="gcloud run services update-traffic … --to-revisions=<serving>=100: users are reaching a revision that "
    "was not judged yet.",
    looking="`gcloud run services describe netra-backend-staging --format='value(status.traffic)'`: what the "
    "tag's revision takes",
)
async def test_the_candidate_takes_what_it_may(candidate: Candidate | None, recorder: Recorder) -> None:
    """Its share is the requested one, at first 0 %; the duration of its first request is a figure, not a finding."""
    if candidate is None:
        raise Broken("the phase has no candidate")
    recorder.figures(
        rule="first request, perhaps to a cold start",
        n=1,
        value=round(candidate.first_request_s, 2),
        unit="s",
        said=candidate.first_request,
    )
    recorder.figures(rule="share of the traffic", value=candidate.percent, unit="%", limit=candidate.share)
    if candidate.percent != candidate.share:
        raise CheckFailure(
            expected=f"{candidate.share} % on {candidate.revision}",
            actual=f"{candidate.percent} %: {dict(candidate.described.traffic)}",
        )


@check(
    "release.order",
    requirement="auth was deployed before the backend, and is ready",
    needs="run auth",
    remedy="Deployment checklist: deploy the auth service first, verify it, then the backend.",
    looking="both creation times in the evidence; `gcloud run revisions list --service=netra-auth-service`",
)
async def test_auth_was_deployed_first(release: ServiceDescription, auth_release: ServiceDescription) -> None:
    """The auth service's current revision is ready and older than the backend's."""
    backend, auth = release.current, auth_release.current
    if backend is None or auth is None:
        raise Broken("the platform does not list the current revision of both services")
    if not auth_release.ready:
        raise CheckFailure(expected=f"{auth.name} ready", actual="the auth service is not ready")
    if auth.created > backend.created:
        raise CheckFailure(
            expected=f"{auth.name} created before {backend.name}",
            actual=f"{auth.created.isoformat()} is after {backend.created.isoformat()}",
        )


@check(
    "release.environment",
    requirement="every variable in the contract is set on the service",
    needs="run",
    remedy="Deployment checklist: verify all environment variables (gcloud run services update --update-env-vars).",
    looking="the missing names in the evidence; `gcloud run services describe netra-backend-staging "
    "--format=yaml`, under `env`",
)
async def test_every_variable_is_set(release: ServiceDescription, contract: Contract) -> None:
    """The service has each of the contract's variables, and none of them empty. Values are not read."""
    wanted = set(contract.release.environment)
    missing, empty = sorted(wanted - release.variables), sorted(wanted & release.empty_variables)
    if missing or empty:
        raise CheckFailure(expected=f"set: {', '.join(sorted(wanted))}", actual=f"missing {missing}, empty {empty}")


@check(
    "release.request-timeout",
    requirement="the request timeout is enough for the WebSocket requirement",
    needs="run",
    remedy="gcloud run services update … --timeout=3600: Cloud Run cuts every WebSocket at the request timeout.",
    looking="`gcloud run services describe netra-backend-staging --format='value(spec.template.spec.timeoutSeconds)'`",
)
async def test_the_request_timeout_suffices(
    release: ServiceDescription, contract: Contract, recorder: Recorder
) -> None:
    """A WebSocket can't live longer than the request timeout, so the timeout must cover the promised hour."""
    limit = contract.release.request_timeout_s
    recorder.figures(rule="request timeout", value=release.request_timeout_s, unit="s", limit=limit)
    if release.request_timeout_s < limit:
        raise CheckFailure(expected=f"at least {limit:g} s", actual=f"{release.request_timeout_s:g} s")


@check(
    "release.rollback",
    requirement="there is a ready revision to roll back to",
    needs="run",
    remedy="Keep the previous revision: without one you can't roll back.",
    looking="`gcloud run revisions list --service=netra-backend-staging`: is an older one Ready?",
)
async def test_there_is_a_way_back(
    release: ServiceDescription, run: Run, target: Target, candidate: Candidate | None
) -> None:
    """Another ready revision exists, and the report has the commands to roll back to it, or to remove the tag."""
    if not release.previous_ready:
        raise CheckFailure(
            expected="a ready revision before this one",
            actual=f"{target.backend.service} has {len(release.revisions)} revision(s), none of which is both "
            "older and ready",
        )
    back = f"--remove-tags={candidate.tag}" if candidate else release.previous_ready
    if not any(back in line for line in run.release.get("rollback", [])):
        raise Broken("the rollback commands were not put into the report")
