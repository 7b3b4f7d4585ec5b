"""The others: the report's own commands, a status-code smoke test, thresholds on load, and Schemathesis."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.sidebyside.place import NORMAL_S, Place, client
from tests.standing import run_within

RATE_S, LOAD_S = 50, 10.0  # as a first k6 script has it: constant arrivals for a few seconds
FAILED_SHARE, P95_MS = 0.01, 100.0  # thresholds: http_req_failed rate<0.01, http_req_duration p(95)<100
BUDGET_S, ENOUGH_S = 45, 180.0  # what our own quick smoke takes; the generated run is ended long after it
SOME_FAILED, LESSONS, MOST_NAMED = 1, 2, 40
Contender = Callable[[Place], Awaitable[list[str]]]


async def report_commands(place: Place) -> list[str]:
    """The four verification commands of the audit report, read as an engineer reads what they print."""
    said, begun = [], datetime.now(UTC)
    async with client() as asking:
        health = await _asked(asking, "GET", f"{place.backend}/health/detailed")
        said += [] if _is(health, HTTPStatus.OK, status="healthy") else [f"health: {_told(health)}"]
        url = f"{place.backend}/api/threads?limit=20"
        threads = await _asked(asking, "GET", url, headers=place.bearer)
        said += [] if _is(threads, HTTPStatus.OK) else [f"threads: {_told(threads)}"]
        said += await _opens(place)
        said += await _error_logs(asking, place, begun)
    return said


async def _error_logs(asking: httpx.AsyncClient, place: Place, begun: datetime) -> list[str]:
    """`gcloud logging read "... AND severity>=ERROR" --limit 50`."""
    resource = 'resource.type="cloud_run_revision" AND resource.labels.service_name="netra-backend-staging"'
    query = f'{resource} AND severity>=ERROR AND timestamp>="{begun.isoformat()}"'
    body = {"resourceNames": [f"projects/{place.project}"], "filter": query, "pageSize": 50}
    answer = await _asked(asking, "POST", f"{place.logging}/v2/entries:list", json=body)
    if not _is(answer, HTTPStatus.OK):
        return [f"logs: {_told(answer)}"]
    found = answer.json().get("entries", []) if isinstance(answer, httpx.Response) else []
    return [f"{len(found)} errors in the log"] if found else []


async def status_smoke(place: Place) -> list[str]:
    """Every route once, by its status alone: what most smoke tests after a deploy are."""
    async with client() as asking:
        said = []
        for method, url, headers, body, wanted in _routes(place):
            answer = await _asked(asking, method, url, headers=headers, json=body)
            said += [] if _is(answer, *wanted) else [f"{method} {url.rpartition('://')[2]}: {_told(answer)}"]
        made = await _asked(
            asking, "POST", f"{place.backend}/api/threads", headers=place.bearer, json={"title": "smoke"}
        )
        if not isinstance(made, httpx.Response) or made.status_code not in {200, 201}:
            return [*said, f"create: {_told(made)}", *await _opens(place)]
        one = f"{place.backend}/api/threads/{made.json().get('id')}"
        for method, body, wanted in (
            ("GET", None, {200}),
            ("PUT", {"title": "smoked"}, {200}),
            ("DELETE", None, {200, 204}),
        ):
            answer = await _asked(asking, method, one, headers=place.bearer, json=body)
            said += [] if _is(answer, *wanted) else [f"{method} by id: {_told(answer)}"]
    return [*said, *await _opens(place)]


def _routes(place: Place) -> list[tuple[str, str, dict[str, str], object, set[int]]]:
    open_routes = [f"{place.backend}{path}" for path in ("/health", "/health/ready", "/health/detailed", "/metrics")]
    threads, validate = f"{place.backend}/api/threads", f"{place.auth}/validate"
    key = {"X-Service-Key": place.service_key}
    return [
        *(("GET", url, {}, None, {200}) for url in (*open_routes, f"{place.auth}/health")),
        ("GET", threads, place.bearer, None, {200}),
        ("GET", threads, {}, None, {401}),
        ("GET", threads, {"Authorization": "Bearer nonsense"}, None, {401}),
        ("POST", validate, key, {"token": place.token}, {200}),
        ("POST", validate, key, {"token": "nonsense"}, {401}),
    ]


async def thresholds(place: Place) -> list[str]:
    """Constant arrivals on three routes; failed share and 95th percentile against their limits."""
    urls = [f"{place.backend}/api/threads?limit=20", f"{place.backend}/health", f"{place.backend}/health/detailed"]
    times, failed, tasks = list[float](), list[str](), set[asyncio.Task[None]]()
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=50)
    async with client(limits=limits) as asking:

        async def one(url: str) -> None:
            begun = time.perf_counter()
            answer = await _asked(asking, "GET", url, headers=place.bearer)
            times.append((time.perf_counter() - begun) * 1e3)
            if not isinstance(answer, httpx.Response) or answer.status_code >= HTTPStatus.BAD_REQUEST:
                failed.append(_told(answer))

        begun = time.perf_counter()
        for number in range(int(RATE_S * LOAD_S)):
            await asyncio.sleep(max(0.0, begun + number / RATE_S - time.perf_counter()))
            tasks.add(asyncio.create_task(one(urls[number % len(urls)])))
        await asyncio.gather(*tasks)
    p95 = sorted(times)[int(0.95 * len(times))]
    said = [f"p95 {p95:.0f} ms"] if p95 >= P95_MS else []
    return said + (
        [f"{len(failed)} of {len(times)} failed: {failed[0]}"] if len(failed) >= FAILED_SHARE * len(times) else []
    )


def schemathesis(baseline: Path) -> Contender:
    """Schemathesis with its defaults and a valid token, within our own quick smoke's time.

    What it says of the sound service (`learn_baseline`) is accepted, or every run would be red.
    """

    async def run(place: Place) -> list[str]:
        code, output = await _generated(place, "--baseline", str(baseline))
        return [] if code == 0 else _failures(code, output)

    return run


async def learn_baseline(place: Place, baseline: Path) -> list[str]:
    """Accept what Schemathesis says of the sound service, in two runs; returns it."""
    said = []
    for _ in range(LESSONS):
        code, output = await _generated(place, "--baseline", str(baseline), "--baseline-update")
        said += _failures(code, output) if "- " in output else []
    return list(dict.fromkeys(said))


async def _generated(place: Place, *words: str) -> tuple[int, str]:
    folder = ("--generation-database", "none", "--no-color", "--seed", "1", "--max-time", str(BUDGET_S))
    command = (sys.executable, "-m", "schemathesis.cli", "run", f"{place.backend}/openapi.json")
    told = (*command, "-H", f"Authorization: Bearer {place.token}", *folder, *words)
    try:
        code, output = await run_within(ENOUGH_S, *told)
    except TimeoutError:
        return SOME_FAILED, f"- not ended after {ENOUGH_S:.0f} s"
    return code, output.decode(errors="replace")


def _failures(code: int, output: str) -> list[str]:
    """The names of what it found, each once; its last line where it names nothing."""
    found = dict.fromkeys(line.strip() for line in output.splitlines() if line.strip().startswith("- "))
    return list(found)[:MOST_NAMED] or [f"exit code {code}: {output.strip().rpartition(chr(10))[2][:120]}"]


async def _opens(place: Place) -> list[str]:
    """`wscat -c ... -H "Authorization: Bearer $TOKEN"`: whether it connects."""
    try:
        async with connect(place.socket, additional_headers=place.bearer, open_timeout=NORMAL_S, proxy=None):
            return []
    except (OSError, WebSocketException, TimeoutError) as error:
        return [f"the WebSocket does not open: {error}"[:160]]


async def _asked(asking: httpx.AsyncClient, method: str, url: str, **how: Any) -> httpx.Response | str:  # noqa: ANN401 - httpx's own keywords
    try:
        return await asking.request(method, url, **how)
    except httpx.HTTPError as error:
        return type(error).__name__


def _is(answer: httpx.Response | str, *statuses: int, **fields: str) -> bool:
    """Whether an answer has one of these statuses and these fields."""
    if isinstance(answer, str) or answer.status_code not in statuses:
        return False
    try:
        body = answer.json() if fields else {}
    except ValueError:
        return False
    return isinstance(body, dict) and all(body.get(name) == value for name, value in fields.items())


def _told(answer: httpx.Response | str) -> str:
    return answer if isinstance(answer, str) else f"{answer.status_code} {answer.text[:80]}"
