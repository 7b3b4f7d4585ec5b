"""Two servers on loopback that are asked the same."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from probes.comparison.asking import Question, Sides, Statuses, ask_all
from probes.comparison.noise import compare
from probes.errors import RateLimited
from probes.http.client import HttpClient
from probes.identity import RunIdentity
from tests.serving import Reply, serving

ROUNDS, CHANCE = 6, random.Random(1)  # noqa: S311 - an order, no secret
LIST = Question(name="the list", method="GET", path="/api/threads")
IDENTITY = RunIdentity("20261126T080000Z-abcdef")


@asynccontextmanager
async def two(old: Callable[[bytes], Reply], new: Callable[[bytes], Reply]) -> AsyncIterator[Sides]:
    async with (
        serving(old) as serving_one,
        serving(new) as candidate,
        HttpClient(serving_one.url, IDENTITY, deadline_s=30) as primary,
        HttpClient(candidate.url, IDENTITY, deadline_s=30) as other,
    ):
        yield Sides(primary, other)


def always(body: bytes, status: int = 200) -> Callable[[bytes], Reply]:
    return lambda _head: Reply(status=status, body=body)


async def found(sides: Sides, *questions: Question) -> dict[str, list[str]]:
    """What differs, by question."""
    answered = await ask_all(sides, questions, ROUNDS, CHANCE, frozenset({"date"}))
    return {name: [one.text for one in compare(name, rounds).found] for name, rounds in answered.items()}


async def test_equal_revisions_are_asked_one_round() -> None:
    async with two(always(b'{"a": 1}'), always(b'{"a": 1}')) as sides:
        assert await found(sides, LIST) == {"the list": []}
    assert (sides.of_serving, sides.of_candidate) == (Statuses(asked=2), Statuses(asked=1))


async def test_a_field_that_is_gone_is_a_difference_and_what_changes_by_itself_is_none() -> None:
    count = iter(range(1_000))

    def changing(rest: str) -> Callable[[bytes], Reply]:
        return lambda _head: Reply(body=f'{{"count": {next(count)}{rest}}}'.encode())

    async with two(changing(', "title": "x"'), changing("")) as sides:
        assert await found(sides, LIST) == {"the list": ["body.title is missing (it was 'x')"]}


async def test_a_body_that_must_be_refused_is_sent_and_its_crash_is_counted() -> None:
    create = Question(name="create", method="POST", path="/api/threads", content=b"{")

    def refuse(head: bytes) -> Reply:
        assert head.startswith(b"POST /api/threads ")
        assert b"content-length: 1\r\n" in head.lower()
        return Reply(status=422)

    async with two(refuse, always(b"{}", status=500)) as sides:
        assert await found(sides, create) == {"create": ["status value: 422 became 500"]}
    assert sides.of_candidate == Statuses(asked=ROUNDS, failed=ROUNDS)
    assert not sides.of_serving.failed


async def test_many_questions_are_all_asked() -> None:
    questions = [Question(name=f"{number}", method="GET", path=f"/{number}") for number in range(20)]
    async with two(always(b"{}"), always(b"[]")) as sides:
        differing = await found(sides, *questions)
    assert list(differing) == [question.name for question in questions]
    assert all(differing.values())


async def test_a_limiter_is_nobodys_answer() -> None:
    async with two(always(b"{}"), always(b"{}", status=429)) as sides:
        with pytest.raises(RateLimited):
            await found(sides, LIST)
