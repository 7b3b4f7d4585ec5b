"""The short health routes that the platform uses, and several concurrent health requests."""

import asyncio
from http import HTTPStatus
from typing import Any

import pytest

from fixtures.extra_wait import refuse_wait
from fixtures.http_services import Door, seen
from fixtures.reading import misfits
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.timing.deadlines import Deadlines
from targets.contract import Contract

IN_A_ROW, ASKERS, ROUNDS = 5, 5, 3
WHERE_THERE_IS_ONE = pytest.mark.also_needs("readiness")
WHERE_MONITORS_USE_IT = pytest.mark.also_needs("head")


@check(
    "health.probes",
    requirement="liveness and readiness answer 200 with the body that the contract specifies",
    needs="http",
    remedy="Look at what the body reports as missing: a dependency, or a start-up that was never marked as complete. "
    "Where HEAD is refused, add it to the route: monitors that use it take 405 for an outage.",
    looking="`curl -i $BACKEND/health` and `curl -i $BACKEND/health/ready`: what does the body say?",
)
@pytest.mark.beside
@pytest.mark.parametrize(
    "probe,method",
    [
        pytest.param("liveness", "GET", id="liveness"),
        pytest.param("readiness", "GET", id="readiness", marks=WHERE_THERE_IS_ONE),
        pytest.param("liveness", "HEAD", id="liveness by HEAD", marks=WHERE_MONITORS_USE_IT),
    ],
)
async def test_it_is_alive_and_ready(
    backend: Door, contract: Contract, deadlines: Deadlines, probe: str, method: str
) -> None:
    """Five times in a row, the route answers 200 in time, and a GET's body matches the contract's JSON Schema."""
    schema: dict[str, Any] = getattr(contract.health, probe) if method == "GET" else {}
    for _ in range(IN_A_ROW):
        answer = await backend.ask(method, getattr(contract.paths, probe), deadline_s=deadlines.health)
        if answer.status != HTTPStatus.OK:
            raise CheckFailure(expected=f"200 to {method}", actual=seen(answer))
        problems = misfits(answer.json(), schema) if schema else []
        if problems:
            raise CheckFailure(expected=f"the body of contract.health.{probe}", actual="; ".join(problems))


@check(
    "health.together",
    requirement="five concurrent health requests are each answered like a single one",
    needs="http",
    remedy="Health checks must not share anything that one of them holds while it waits: no lock, no single "
    "connection.",
    looking="`for i in 1 2 3 4 5; do curl -s -o /dev/null -w '%{http_code}\\n' $BACKEND/health & done; wait`: "
    "what do the checks share?",
)
@pytest.mark.parametrize(
    "probe", ["liveness", pytest.param("health", id="detailed", marks=pytest.mark.also_needs("health"))]
)
async def test_five_ask_at_once(backend: Door, contract: Contract, deadlines: Deadlines, probe: str) -> None:
    """Three rounds of five concurrent requests: each gets 200 in time, and a body that matches the contract."""
    schema: dict[str, Any] = contract.health.detailed if probe == "health" else contract.health.liveness
    for _ in range(ROUNDS):
        asked = [backend.get(getattr(contract.paths, probe), deadline_s=deadlines.health) for _ in range(ASKERS)]
        for answer in await asyncio.gather(*asked):
            problems = misfits(answer.json(), schema) if answer.status == HTTPStatus.OK and schema else []
            if answer.status != HTTPStatus.OK or problems:
                raise CheckFailure(
                    expected=f"200 for each of {ASKERS} concurrent requests",
                    actual="; ".join([seen(answer), *problems]),
                )


@check(
    "health.non-blocking",
    requirement="while five ask for the detailed health, other requests are answered about as fast as usual",
    needs="http health",
    remedy="Await everything that a health check asks; run what can't be awaited in a thread.",
    looking="both times in the evidence; in the health checks, a call without `await`: a synchronous driver or client",
)
async def test_health_keeps_no_other_request_waiting(
    backend: Door, contract: Contract, deadlines: Deadlines, recorder: Recorder
) -> None:
    """In up to five rounds, liveness is asked alone, and then repeatedly until five detailed answers have come."""

    async def measure() -> tuple[float, float]:
        usual = await backend.get(contract.paths.liveness)
        return usual.elapsed_s, await _ask_beside_health(backend, contract, deadlines)

    what, limit_s = f"liveness while {ASKERS} ask for the detailed health", contract.health.others_wait_s
    await refuse_wait(measure, recorder, what, limit_s, "contract.health.others_wait_s")


async def _ask_beside_health(backend: Door, contract: Contract, deadlines: Deadlines) -> float:
    """How many seconds the slowest liveness took until all the detailed answers had come."""
    detailed = (backend.get(contract.paths.health, deadline_s=deadlines.health) for _ in range(ASKERS))
    health, times = asyncio.gather(*detailed), list[float]()
    try:
        while not times or not health.done():
            times.append((await backend.get(contract.paths.liveness)).elapsed_s)
    finally:
        await health  # each ends within its deadline
    return max(times)
