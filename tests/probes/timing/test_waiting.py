"""Waiting for steadiness: how many good looks it takes, what is said meanwhile, and what ends it at once."""

from collections.abc import Awaitable, Callable

import pytest

from probes.errors import RateLimited, SourceRefused, TooSlow
from probes.timing.waiting import await_steady
from tests.system.waiting import HANGS_S


def looks(*found: str | Exception) -> Callable[[], Awaitable[str]]:
    """One look after another; the last one is repeated."""
    left = list(found)

    async def look() -> str:
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        return one

    return look


async def test_good_looks_have_to_come_in_a_row_and_each_is_kept() -> None:
    said = list[str]()
    look = looks("", "still starting", "", TooSlow("GET /", "no answer"), "")
    found = await await_steady(look, in_a_row=3, deadline_s=HANGS_S, narrate=said.append)
    assert found.steady
    assert found.attempts == ("good", "still starting", "good", "GET /: no answer", "good", "good", "good")
    assert len(said) == 2
    assert said[0].startswith("waiting, ")
    assert said[0].endswith(" s more at most: still starting")
    assert 0 <= int(said[0].split()[1]) <= HANGS_S


async def test_at_the_deadline_it_is_not_steady_and_says_what_was_seen() -> None:
    found = await await_steady(looks("still starting"), in_a_row=1, deadline_s=0.2)
    assert not found.steady
    assert set(found.attempts) == {"still starting"}


async def test_a_source_that_refuses_ends_it_at_once() -> None:
    said = list[str]()
    with pytest.raises(SourceRefused, match="no right"):
        await await_steady(
            looks(SourceRefused("the log", "no right")), in_a_row=1, deadline_s=HANGS_S, narrate=said.append
        )
    assert said == []


async def test_a_limiter_that_answers_the_last_look_is_not_the_service() -> None:
    with pytest.raises(RateLimited):
        await await_steady(looks("still starting", RateLimited("GET /", "429")), in_a_row=1, deadline_s=0.2)
    found = await await_steady(looks(RateLimited("GET /", "429"), "still starting"), in_a_row=1, deadline_s=0.2)
    assert not found.steady
