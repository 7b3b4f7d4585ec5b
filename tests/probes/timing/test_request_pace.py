"""Asking together: the order, the bound, one error among others, and what a limiter's answer does."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from probes.errors import RateLimited, TooSlow, Unreachable
from probes.timing.request_pace import RequestPace


class Service:
    """Counts what is under way. Nothing is answered before as many are under way as can be."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.under_way = self.most = 0
        self.answered: list[int] = []
        self._full = asyncio.Event()

    async def ask(self, number: int) -> int:
        """An answer that comes the later, the earlier it was asked for."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way == self.expected:
            self._full.set()
        await self._full.wait()
        for _ in range(20 - number):
            await asyncio.sleep(0)
        self.under_way -= 1
        self.answered.append(number)
        return number


class Limiter:
    """Answers 429 a given number of times, and then lets every request through."""

    def __init__(self, refusals: int, *, wait_s: float | None = 0.0) -> None:
        self.left, self.wait_s, self.asked = refusals, wait_s, 0

    async def ask(self, number: int) -> int:
        """An answer, or a limiter's."""
        self.asked += 1
        await asyncio.sleep(0)
        if self.left:
            self.left -= 1
            raise RateLimited("GET /", "answered 429", self.wait_s)
        return number


def pace_of(at_once: int, said: list[str] | None = None, per_second: float = 0.0) -> RequestPace:
    return RequestPace(at_once=at_once, per_second=per_second, say=(said if said is not None else []).append)


def asks(ask: Callable[[int], Awaitable[int]], count: int) -> list[partial[Awaitable[int]]]:
    return [partial(ask, number) for number in range(count)]


async def test_answers_come_in_the_order_of_the_questions() -> None:
    service = Service(expected=3)
    assert await pace_of(3).together(asks(service.ask, 9)) == list(range(9))
    assert service.answered != list(range(9))  # they were answered in another


@pytest.mark.parametrize("at_once,count,most", [(1, 5, 1), (4, 20, 4), (8, 3, 3)])
async def test_no_more_are_under_way_than_may_be(at_once: int, count: int, most: int) -> None:
    service = Service(expected=most)
    await pace_of(at_once).together(asks(service.ask, count))
    assert service.most == most


async def test_two_of_different_kinds_are_asked_together() -> None:
    service = Service(expected=2)

    async def words(number: int) -> str:
        return f"the answer {await service.ask(number)}"

    assert await pace_of(2).both(partial(service.ask, 1), partial(words, 2)) == (1, "the answer 2")
    assert service.most == 2


async def test_nothing_to_ask_is_nothing_answered() -> None:
    assert await pace_of(4).together(list[partial[Awaitable[int]]]()) == []


async def test_an_error_loses_no_other_answer() -> None:
    async def ask(number: int) -> int:
        await asyncio.sleep(0)
        if number == 1:
            raise TooSlow("GET /", "no answer")
        return number

    first, second, third = await pace_of(2).outcomes(asks(ask, 3))
    assert (first, third) == (0, 2)
    assert isinstance(second, TooSlow)


async def test_the_first_error_in_order_is_raised_once_all_have_ended() -> None:
    ended: list[int] = []

    async def ask(number: int) -> int:
        for _ in range(10 - 2 * number):
            await asyncio.sleep(0)
        ended.append(number)
        raise Unreachable("GET /", f"number {number}")

    with pytest.raises(Unreachable, match="number 0"):
        await pace_of(3).together(asks(ask, 3))
    assert ended == [2, 1, 0]


async def test_a_limiter_halves_the_pace_once_for_all_that_meet_it_together() -> None:
    limiter, said = Limiter(refusals=8), list[str]()
    pace = pace_of(8, said, per_second=10_000)
    assert await pace.together(asks(limiter.ask, 20)) == list(range(20))
    assert (pace.at_once, pace.per_second) == (4, 5_000)
    assert len(said) == 1
    assert "4 at once" in said[0]
    assert limiter.asked == 28


async def test_cases_that_meet_a_limiter_together_are_one_reason_and_a_later_one_is_another() -> None:
    pace, refusal = pace_of(8), RateLimited("GET /", "answered 429", 0.0)
    for began in (0, 0, 0):
        pace.limited(refusal, began)
    assert pace.at_once == 4
    pace.limited(refusal, pace.halved)
    assert pace.at_once == 2


async def test_a_limiter_that_goes_on_is_asked_no_more_once_there_is_nothing_to_halve() -> None:
    limiter, said = Limiter(refusals=1_000), list[str]()
    pace = pace_of(4, said)
    outcomes = await pace.outcomes(asks(limiter.ask, 6))
    assert all(isinstance(outcome, RateLimited) for outcome in outcomes)
    assert pace.at_once == 1
    assert [line.partition(": ")[0] for line in said] == [f"asked more slowly, {left} at once" for left in (2, 1)]


async def test_one_after_another_a_limiters_answer_is_the_answer() -> None:
    limiter = Limiter(refusals=1)
    (outcome,) = await pace_of(1).outcomes(asks(limiter.ask, 1))
    assert isinstance(outcome, RateLimited)
    assert limiter.asked == 1


async def test_who_wants_us_to_wait_for_minutes_is_not_asked_again() -> None:
    limiter = Limiter(refusals=1, wait_s=999_999_999_999.0)
    pace = pace_of(8)
    limited, second = await pace.outcomes(asks(limiter.ask, 2))
    assert isinstance(limited, RateLimited)
    assert (second, pace.at_once, limiter.asked) == (1, 4, 2)


async def test_what_begins_in_a_second_is_bounded() -> None:
    pace, begun = pace_of(1, per_second=50.0), time.monotonic()
    for _ in range(5):
        async with pace.turn():
            pass
    assert time.monotonic() - begun > 4 / 50.0 - 0.001  # a busy machine takes longer, and never less


async def test_without_a_bound_nobody_waits_for_a_turn() -> None:
    pace = pace_of(1)
    with pytest.raises(StopIteration):  # it ends without having given way once
        pace.turn().__aenter__().send(None)


async def test_while_cases_are_beside_each_other_what_all_of_them_ask_is_bounded() -> None:
    pace, under_way, most = pace_of(2), 0, 0

    async def ask() -> None:
        nonlocal under_way, most
        async with pace.turn():
            under_way += 1
            most = max(most, under_way)
            for _ in range(5):
                await asyncio.sleep(0)
            under_way -= 1

    async with pace.crowded():
        await asyncio.gather(*(ask() for _ in range(6)))
    assert most == 2
    await asyncio.gather(*(ask() for _ in range(6)))
    assert most == 6


async def test_a_limiter_halves_also_what_cases_beside_each_other_ask() -> None:
    said = list[str]()
    pace = pace_of(4, said, per_second=100.0)
    async with pace.crowded():
        pace.limited(RateLimited("GET /x", "answered 429", 0.0), 0)
        async with pace.turn(), pace.turn():
            third = asyncio.create_task(pace.turn().__aenter__())
            done, _ = await asyncio.wait({third}, timeout=0.1)
            assert not done
            third.cancel()
    assert (pace.at_once, pace.per_second, pace.halved) == (2, 50.0, 1)
    assert said == ["asked more slowly, 2 at once: GET /x answered 429"]


async def test_with_one_at_once_there_is_nothing_to_halve() -> None:
    said = list[str]()
    pace = pace_of(1, said, per_second=100.0)
    pace.limited(RateLimited("GET /x", "answered 429", 0.0), 0)
    assert (pace.at_once, pace.per_second, pace.halved, said) == (1, 100.0, 0, [])


@pytest.mark.parametrize("wait_s, waited", [(None, 1.0), (0.2, 0.2), (0.0, 0.0)])
async def test_after_a_limiters_answer_nothing_begins_for_as_long_as_it_says(
    wait_s: float | None, waited: float
) -> None:
    limiter, pace = Limiter(refusals=1, wait_s=wait_s), pace_of(2)
    begun = time.monotonic()
    assert await pace.together(asks(limiter.ask, 1)) == [0]
    async with pace.turn():
        assert time.monotonic() - begun >= waited - 0.001
    assert limiter.asked == 2


@pytest.mark.parametrize("wait_s, asked", [(10.0, True), (10.1, False)])
async def test_a_wait_of_up_to_ten_seconds_is_worth_it(
    wait_s: float, monkeypatch: pytest.MonkeyPatch, *, asked: bool
) -> None:
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    limiter, pace = Limiter(refusals=1, wait_s=wait_s), pace_of(2)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    (outcome,) = await pace.outcomes(asks(limiter.ask, 1))
    monkeypatch.undo()
    assert (outcome == 0) is asked
    assert (max(slept) == pytest.approx(10.0, abs=1.0)) is asked


async def test_requests_begin_at_their_distance_whoever_asks() -> None:
    pace, begun = pace_of(4, per_second=20.0), list[float]()

    async def ask() -> None:
        async with pace.turn():
            begun.append(time.monotonic())

    start = time.monotonic()
    await asyncio.gather(*(ask() for _ in range(4)))
    assert all(at - start >= number / 20.0 - 0.001 for number, at in enumerate(begun))
    assert len(begun) == 4
