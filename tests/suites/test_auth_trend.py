"""Growth that was measured while our own side was late is not blamed on the service."""

from typing import Any

import pytest

from fixtures.latency import OrdinaryCalls
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from probes.latency.open_loop import Call, LatencySample
from suites import test_auth_latency_clocks as suite
from targets.loading import describe_target
from targets.model import Sizes

CONTRACT = describe_target("local").contract
EACH_MS = 2.0  # what a call takes longer than the one before


class LeakingService(OrdinaryCalls):
    """Each validation takes longer than the one before; every `each`-th call of a sample leaves late."""

    def __init__(self, each: int) -> None:
        super().__init__(rate=60.0)
        self.each, self.made = each, 0

    async def take(self, validation: object, least: int) -> LatencySample:
        return await self.take_again(validation, least)

    async def take_again(self, _validation: object, number: int) -> LatencySample:
        calls = [self._call(place) for place in range(number)]
        return LatencySample(tuple(calls), self.rate, 1.0)

    def _call(self, place: int) -> Call:
        self.made += 1
        return Call(
            due_s=place / self.rate,
            lag_ms=0.0 if place % self.each else CONTRACT.auth.latency_limit_ms,
            own_ms=0.0,
            standstill_ms=0.0,
            client_ms=120.0 + EACH_MS * self.made,
            server_ms=None,
            opened=None,
            first_byte_ms=20.0,
            trace_id="a",
            failure="",
        )


@pytest.mark.parametrize("each, found", [(1_000, CheckFailure), (50, CheckFailure), (5, Broken)])
async def test_growth_counts_if_our_own_side_was_in_time(each: int, found: type[Exception]) -> None:
    validation: Any = None  # the calls stand for it
    with pytest.raises(found, match="more at the end"):
        await suite.test_validation_does_not_grow_slower(
            validation, LeakingService(each), CONTRACT, Sizes(), Recorder()
        )
