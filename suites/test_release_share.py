"""At a share of the traffic: what users got from the candidate, compared with the previous revision."""

import pytest

from fixtures.share import Shared
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure, Pending
from probes.comparison.ratio import fisher_exact
from probes.comparison.share import Traffic, is_slower
from probes.statistics.exact import share_upper_bound

ALPHA = 0.05
UNTIMED = 0.1  # of a revision's good answers


@check(
    "release.share",
    requirement="users of the candidate get no more errors, no slower answers and no shorter sessions",
    phase="candidate",
    needs="run logs shared",
    remedy="Move the traffic back (the report has the command), then look at the 5xx of the candidate in the log.",
    looking="Logs Explorer: `resource.labels.revision_name=<candidate> httpRequest.status>=500` since the "
    "traffic moved",
)
@pytest.mark.at_the_end  # while the other cases run, users go on asking
async def test_users_meet_nothing_worse(shared: Shared, recorder: Recorder) -> None:
    """5xx and sessions by Fisher's exact test, times by the Mann-Whitney test, in the same window of the log."""
    new, old, rules = shared.new, shared.old, shared.rules
    errors = fisher_exact(new.failed, new.requests, old.failed, old.requests)
    cut = fisher_exact(new.cut_short, new.sessions, old.cut_short, old.sessions)
    bound = share_upper_bound(min(new.failed, new.requests), new.requests)
    slower = is_slower(new.seconds, old.seconds, rules.latency_ratio)
    recorder.figures(
        rule="share of users' requests that fail, 95 % bound",
        n=new.requests,
        value=round(bound, 4),
        limit=rules.error_rate,
        confidence=0.95,
        failed=new.failed,
        before=f"{old.failed} of {old.requests}",
        chance=round(errors, 5),
        sessions=f"{new.cut_short} of {new.sessions} short, {old.cut_short} of {old.sessions}",
    )
    worse = []
    if errors <= ALPHA:
        worse.append(f"{new.failed} of {new.requests} requests failed, against {old.failed} of {old.requests}")
    if slower:
        worse.append(f"answers take more than {rules.latency_ratio:g} times as long")
    if cut <= ALPHA:
        before = f"{old.cut_short} of {old.sessions}"
        worse.append(f"{new.cut_short} of {new.sessions} sessions ended at once, against {before}")
    if worse:
        raise CheckFailure(expected="what users get from the previous revision", actual="; ".join(worse))
    _refuse_open(shared, bound, compared=slower is not None)


def _refuse_open(shared: Shared, bound: float, *, compared: bool) -> None:
    """Raise Pending where too little was seen to say that nothing is worse.

    `bound` is the 95 % bound of the share that fails; `compared`: there were enough times on both sides.
    """
    new, old, limit = shared.new, shared.old, shared.rules.error_rate
    if bound > limit:
        raise Pending(
            f"{new.requests} user requests, {new.failed} failed: at most {bound:.1%} fail, and the "
            f"limit is {limit:.1%}; {shared.needed} without a failure would be enough"
        )
    if shared.stopped:
        raise Pending(f"no user asks {' and '.join(shared.stopped)} any more: traffic that stopped says nothing of now")
    untimed = max(_untimed(new), _untimed(old))
    if untimed > UNTIMED:
        raise Pending(f"the log does not say how long {untimed:.0%} of a revision's good answers took")
    if not compared:
        raise Pending(f"{len(new.seconds)} and {len(old.seconds)} good answers: too few to compare their times")


def _untimed(traffic: Traffic) -> float:
    return traffic.untimed / max(1, traffic.untimed + len(traffic.seconds))
