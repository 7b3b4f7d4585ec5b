"""The short health routes that the platform uses, and several concurrent health requests."""

import asyncio
from http import HTTPStatus
from typing import Any

import pytest

from fixtures.http_services import Door, seen
from fixtures.reading import misfits
from gate.check import check
from gate.failures import CheckFailure
from probes.timing.deadlines import Deadlines
from targets.contract import Contract

ASKERS, ROUNDS = 5, 3
WHERE_THERE_IS_ONE = pytest.mark.also_needs("readiness")


@check(
    "health.probes",
    requirement="liveness and readiness answer 200 with the body that the contract specifies",
    needs="http",
    remedy="Look at what the body reports as missing: a dependency, or a start-up that was never marked as complete.",
    looking="`curl -i $BACKEND/health` and `curl -i $BACKEND/health/ready`: what does the body say?",
)
@pytest.mark.parametrize("probe", ["liveness", pytest.param("readiness", marks=WHERE_THERE_IS_ONE)])
async def test_it_is_alive_and_ready(backend: Door, contract: Contract, deadlines: Deadlines, probe: str) -> None:
    """The route answers 200 within its deadline, and its body matches the contract's JSON Schema."""
    answer = await backend.get(getattr(contract.paths, probe), deadline_s=deadlines.health)
    if answer.status != HTTPStatus.OK:
        raise CheckFailure(expected="200", actual=seen(answer))
    schema: dict[str, Any] = getattr(contract.health, probe)
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
