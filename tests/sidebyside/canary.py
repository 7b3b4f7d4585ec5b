"""A judge like Kayenta's (NetflixACAJudge): the same load on both revisions, each metric by the Mann-Whitney test."""

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from statistics import NormalDist
from typing import Any

import httpx

from tests.sidebyside.place import Place, client

INTERVALS, EACH = 12, 10  # points of a time series, and requests that make one
CONFIDENCE, TOLERANCE = 0.98, 0.25  # of NetflixACAJudge's Mann-Whitney classifier
PASS_SCORE = 95.0  # of 100; Kayenta's own example
PATHS = ("/api/threads?limit=20", "/health", "/health/detailed", "/metrics")
TOO_LITTLE = 3


@dataclass(slots=True)
class Series:
    """One revision's metrics over the intervals."""

    latency_ms: dict[str, list[float]] = field(default_factory=dict)
    errors: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)

    def metrics(self) -> dict[str, list[float]]:
        """Every metric by name."""
        return {f"latency {path}": values for path, values in self.latency_ms.items()} | {
            "5xx": self.errors, "4xx": self.refusals,
        }  # fmt: skip


async def judge_canary(place: Place, candidate: str) -> list[str]:
    """What the judge says against a candidate at that address, compared with the serving revision; empty: it passes."""
    control, canary = Series(), Series()
    draw = random.Random(1)  # noqa: S311 - an order, no secret
    async with client(headers=place.bearer) as asking:
        for _ in range(INTERVALS):
            sides = [(place.backend, control), (candidate, canary)]
            draw.shuffle(sides)
            for url, series in sides:
                await _interval(asking, url, series)
    before, after = control.metrics(), canary.metrics()
    high = [name for name in before if is_high(before[name], after[name])]
    score = 100.0 * (len(before) - len(high)) / len(before)
    said = [f"{name}: {_mean(before[name]):.2f} → {_mean(after[name]):.2f}" for name in high]
    return [f"score {score:.0f}: {'; '.join(said)}"] if score < PASS_SCORE or "5xx" in high else []


async def _interval(asking: httpx.AsyncClient, url: str, series: Series) -> None:
    statuses = []
    for path in PATHS:
        times = []
        for _ in range(EACH // 2):
            begun = time.perf_counter()
            try:
                statuses.append((await asking.get(f"{url}{path}")).status_code)
            except httpx.HTTPError:
                statuses.append(int(HTTPStatus.GATEWAY_TIMEOUT))
            times.append((time.perf_counter() - begun) * 1e3)
        series.latency_ms.setdefault(path, []).append(statistics.fmean(times))
    series.errors.append(sum(one >= HTTPStatus.INTERNAL_SERVER_ERROR for one in statuses) / len(statuses))
    series.refusals.append(sum(400 <= one < 500 for one in statuses) / len(statuses))
    await asyncio.sleep(0)


def is_high(control: Sequence[float], canary: Sequence[float]) -> bool:
    """Whether a metric is classified as High: the interval of the shift lies above a quarter of the control's mean."""
    if min(len(control), len(canary)) < TOO_LITTLE or [*control] == [*canary]:
        return False
    shifts = sorted(one - other for one in canary for other in control)
    n, m = len(canary), len(control)
    spread = (n * m * (n + m + 1) / 12) ** 0.5
    rank = max(int(n * m / 2 - NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * spread), 0)
    return shifts[rank] > TOLERANCE * _mean(control)


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values)


async def find_candidate(addresses: dict[str, Any]) -> str:
    """Where the revision without traffic is reached, by the platform's own description."""
    place = addresses["platform"]
    path = f"/v2/projects/{place['project']}/locations/{place['region']}/services/netra-backend-staging"
    async with client() as asking:
        told = (await asking.get(f"{place['run_url']}{path}")).raise_for_status().json()
    return next(str(one["uri"]) for one in told["trafficStatuses"] if one.get("tag"))
