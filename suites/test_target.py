"""First of all: can the target be reached from here?"""

import pytest

from fixtures.reachability import Reachability, refuse_blocked
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.http.reachability import Step
from probes.timing.deadlines import Deadlines

DOORS = {"backend": "http", "websocket": "ws", "auth": "auth"}


@check(
    "target.reachable",
    requirement="every service of the target can be reached from here: DNS, TCP, TLS, first byte",
    remedy="The step that failed shows where to look: DNS, the service's ingress, its certificate, its process.",
    looking="the step in the evidence: `dig`, `curl -v $BACKEND/health`, `openssl s_client -connect host:443`; "
    "with a proxy, `curl -v --proxy $HTTPS_PROXY`",
)
@pytest.mark.parametrize(
    "door", [pytest.param(door, id=door, marks=pytest.mark.also_needs(need)) for door, need in DOORS.items()]
)
async def test_the_door_answers_something(
    reachability: Reachability, deadlines: Deadlines, recorder: Recorder, door: str
) -> None:
    """Any answer will do; a silent service is tried again within the deadline of a cold start."""
    refuse_blocked(reachability, door)
    reached = reachability.doors[door]
    if reached.step is not Step.REACHED:
        recorder.attach("first attempt", reached.said)
        reached = await reachability.again(door, deadlines.answer)
    recorder.figures(rule="to the first byte", n=1, value=round(reached.elapsed_s * 1e3, 1), unit="ms")
    if reached.step is not Step.REACHED:
        raise CheckFailure(
            expected=f"an answer from {door} at {reached.url}", actual=f"{reached.step}: {reached.detail}"
        )
