"""Operations are asked one after the other, and each trouble is put down to the one it came of."""

from collections import Counter
from collections.abc import Sequence

import httpx
import pytest

from probes.errors import TooSlow, Unreachable
from probes.http.client import Answer
from probes.openapi.calling import Asked, Behaviour, ask_operations
from probes.openapi.operations import Operation, Request

FAST = 100_000.0


def operation(name: str, requests: int = 2) -> Operation:
    made = tuple(Request(f"/{name}?n={number}") for number in range(requests))
    return Operation("GET", f"/{name}", frozenset({"200"}), made)


class Service:
    """Answers by the name of the operation; is dead for a look after `stops`, for ever after `dies`.

    After `once` it is dead for a look the first time only.
    """

    def __init__(self) -> None:
        self.deaths = 0
        self.later = {"stops": 1, "dies": 1000, "once": 1}

    async def ask(self, asked: Operation, request: Request) -> Answer:
        kind = asked.path[1:]
        if kind == "hangs":
            raise TooSlow(request.path, "no answer within 5 s")
        if kind == "resets":
            raise Unreachable(request.path, "reset")
        self.deaths = self.later.get(kind, self.deaths)
        if kind == "once" and request is asked.requests[-1]:
            self.later.pop(kind, None)
        return Answer(
            status=int(kind) if kind.isdigit() else 200,
            headers=httpx.Headers(),
            body=b"",
            elapsed_s=0.01,
            trace_id="a-trace",
            request=request.path,
        )

    async def is_alive(self) -> str:
        self.deaths -= 1
        return "no answer" if self.deaths >= 0 else ""


async def asked(*names: str, budget_s: float = 60.0) -> Asked:
    service = Service()
    return await ask_operations(
        [operation(name) for name in names], service.ask, service.is_alive, per_second=FAST, budget_s=budget_s
    )


async def test_troubles_are_put_down_to_their_operations() -> None:
    found = (await asked("200", "500", "hangs", "resets", "404")).found
    assert [len(one.troubles) for one in found] == [0, 2, 2, 2, 0]
    assert [dict(one.answered) for one in found] == [
        {"200": 2},
        {"500": 2},
        {"hangs": 2},
        {"no answer": 2},
        {"404": 2},
    ]
    assert dict(found[4].undocumented) == {"404": 2}
    assert found[1].traces == ["a-trace", "a-trace"]


@pytest.mark.parametrize("names", [("stops", "200"), ("200", "stops"), ("200", "stops", "201", "202"), ("stops",)])
async def test_who_stops_the_service_is_found_beside_any_neighbour(names: Sequence[str]) -> None:
    result = await asked(*names)
    assert [behaviour.operation.name for behaviour in result.found] == [f"GET /{name}" for name in names]
    assert [bool(behaviour.troubles) for behaviour in result.found] == [name == "stops" for name in names]
    assert not result.not_asked


async def test_what_happens_once_is_put_down_to_both_that_were_called_then() -> None:
    found = (await asked("200", "once", "201")).found
    either = "GET /once or GET /201, called in one moment"
    assert [[either in trouble for trouble in behaviour.troubles] for behaviour in found] == [[], [True], [True]]


async def test_after_a_service_that_died_nothing_is_asked() -> None:
    result = await asked("200", "dies", "201", "202", "203")
    either = "GET /dies or GET /201, called in one moment"
    assert [either in " ".join(behaviour.troubles) for behaviour in result.found] == [False, True, True]
    assert list(result.not_asked) == ["GET /202", "GET /203"]
    assert all(either in why for why in result.not_asked.values())


async def test_a_service_that_died_after_the_last_operation_is_found() -> None:
    found = (await asked("dies")).found
    assert found[0].troubles == ["after it the service does not answer its liveness: no answer"]


@pytest.mark.parametrize("budget_s,count", [(60.0, 0), (1e-9, 2)])
async def test_what_the_budget_does_not_last_for_is_listed(budget_s: float, count: int) -> None:
    assert len((await asked("200", "201", budget_s=budget_s)).not_asked) == count


def test_how_an_operation_behaved_is_a_row_of_a_table() -> None:
    behaved = Behaviour(
        operation=operation("threads"),
        answered=Counter({"200": 3, "TooSlow": 1}),
        slowest_s=1.23456,
        undocumented=Counter({"503": 1, "404": 2}),
    )
    assert behaved.row() == {
        "operation": "GET /threads",
        "requests": 4,
        "answered": {"200": 3, "TooSlow": 1},
        "undocumented": ["404", "503"],
        "slowest_ms": 1234.6,
    }
