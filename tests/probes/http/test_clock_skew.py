"""Whose clock is off."""

import time

import pytest

from probes.http.client import HttpClient
from probes.http.clock_skew import Clock, our_fault, read_clock
from probes.identity import RunIdentity
from tests.serving import Reply, serving

ALLOWED_S = 30.0


def asking(url: str) -> HttpClient:
    return HttpClient(url, RunIdentity("a-run"), deadline_s=5.0)


def clocks(*ahead: float) -> list[Clock]:
    return [Clock(f"https://service-{number}", value, 0.5) for number, value in enumerate(ahead)]


@pytest.mark.parametrize("off", [120.0, -120.0, 31.0])
def test_two_that_agree_with_each_other_and_not_with_us_outvote_us(off: float) -> None:
    said = our_fault(clocks(off, off + 3), ALLOWED_S)
    assert "our own clock is" in said
    assert ("behind" if off > 0 else "ahead of") in said


@pytest.mark.parametrize(
    "ahead",
    [(), (120.0,), (0.2, -0.4), (120.0, 0.1), (-120.0, 0.1), (120.0, -120.0), (29.0, 31.0), (120.0, 300.0)],
)
def test_otherwise_it_is_not_known_to_be_ours(ahead: tuple[float, ...]) -> None:
    assert our_fault(clocks(*ahead), ALLOWED_S) == ""


@pytest.mark.parametrize(
    "ahead, said",
    [
        ((30.5, 60.5), "our own clock is 30 s behind those of https://service-0 and https://service-1: set it (NTP)"),
        ((-31.0, -61.0), "our own clock is 31 s ahead of those of https://service-0 and https://service-1: set it"),
        ((30.1, 31.0), "our own clock is 30 s behind"),
        ((30.0, 31.0), ""),
        ((31.0, 61.1), ""),
        ((-0.1, 0.1), ""),
    ],
)
def test_our_clock_is_off_by_the_smaller_difference(ahead: tuple[float, ...], said: str) -> None:
    found = our_fault(clocks(*ahead), ALLOWED_S)
    assert found.startswith(said)
    assert bool(found) is bool(said)


def test_clocks_that_agree_within_less_than_a_second_may_lie_on_both_sides_of_ours() -> None:
    assert our_fault(clocks(-0.4, 0.4), 0.3) == ""


async def test_a_clock_is_read_from_the_date_of_an_answer() -> None:
    begun = time.time()
    async with serving(lambda _: Reply(status=404, date_off_s=120)) as server, asking(server.url) as client:
        clock = await read_clock(client, "/")
    assert clock is not None
    assert clock.ahead_s == pytest.approx(120, abs=clock.give_or_take_s + 0.1)
    assert 0.5 <= clock.give_or_take_s <= 0.5 + (time.time() - begun) / 2


@pytest.mark.parametrize("date", ["yesterday", ""])
async def test_no_clock_is_read_where_there_is_none(date: str) -> None:
    async with serving(lambda _: Reply(headers={"Date": date})) as server, asking(server.url) as client:
        assert await read_clock(client, "/") is None


async def test_a_service_that_can_not_be_reached_has_no_clock() -> None:
    async with asking("http://127.0.0.1:9") as client:
        assert await read_clock(client, "/") is None
