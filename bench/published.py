"""Every operation of a published document of 250, asked as `api.no-5xx` asks them, of a healthy stub."""

import time

from bench.figures import Figure
from bench.stub import stub
from probes.http.client import Answer, HttpClient
from probes.identity import RunIdentity
from probes.openapi.calling import Asked, ask_operations
from probes.openapi.operations import Operation, Published, Request, read_document
from targets.loading import HERE, read_toml

OPERATIONS = 250
TEXT, NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0, "maximum": 100}


def _document() -> dict[str, object]:
    """A service of 250 read-only operations: plain ones, ones with an id, ones with a query, ones with both."""
    paths: dict[str, object] = {}
    for number in range(OPERATIONS):
        parameters = [{"name": "id", "in": "path", "required": True, "schema": TEXT}] if number % 2 else []
        parameters += [{"name": "limit", "in": "query", "schema": NUMBER}] if number % 4 > 1 else []
        path = f"/api/part{number // 10}/things{number}" + ("/{id}" if number % 2 else "")
        paths[path] = {"get": {"parameters": parameters, "responses": {"200": {"description": "The thing."}}}}
    return {"openapi": "3.1.0", "info": {"title": "A large service", "version": "1"}, "paths": paths}


async def _ask(published: Published, rules: dict[str, float]) -> Asked:
    async with (
        stub(service_s=0.005) as url,
        HttpClient(url, RunIdentity("bench"), deadline_s=rules["hang_s"]) as client,
    ):

        async def ask(operation: Operation, request: Request) -> Answer:
            return await client.send(operation.method, request.path, headers=request.headers)

        async def is_alive() -> str:
            return "" if (await client.send("GET", "/health")).status < 500 else "5xx"

        return await ask_operations(
            published.operations, ask, is_alive, per_second=rules["per_second"], budget_s=rules["budget_s"]
        )


async def measure() -> list[Figure]:
    """All figures of this file: with the contract's own pace, cases and budget."""
    rules = read_toml(HERE / "contract.toml")["api"]
    begun = time.perf_counter()
    published = read_document(_document(), excluded=(), most_cases=rules["most_cases"])
    read = time.perf_counter() - begun
    asked = await _ask(published, rules)
    whole = time.perf_counter() - begun
    requests = sum(operation.answered.total() for operation in asked.found)
    return [
        Figure(
            name=f"api.no-5xx over {OPERATIONS} operations",
            value=whole,
            limit=60.0,
            unit="s",
            beside=f"{requests} requests; {read:.1f} s to read",
        ),
        Figure(name="of them asked", value=len(asked.found), limit=float(OPERATIONS), at_least=True),
    ]
