"""Two servers on loopback that are asked the same."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from probes.comparison.asking import Question, Sides, Statuses, ask_all, observation, some_at_once
from probes.comparison.noise import compare
from probes.errors import RateLimited
from probes.http.client import Answer, HttpClient
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


async def test_pairs_are_asked_in_turns_and_only_equal_statuses_count() -> None:
    heard = list[str]()

    def hearing(who: str, status: Callable[[int], int]) -> Callable[[bytes], Reply]:
        def decide(_head: bytes) -> Reply:
            heard.append(who)
            headers = {"Server-Timing": f"total;dur={7 if who == 'old' else 9}"}
            return Reply(status=status(heard.count(who)), headers=headers)

        return decide

    async with two(hearing("old", lambda _n: 200), hearing("new", lambda n: 200 if n != 2 else 500)) as sides:
        pairs = await sides.pairs(LIST, 4)
    assert heard == ["old", "new", "new", "old", "old", "new", "new", "old"]
    assert [pair.server for pair in pairs] == [(7.0, 9.0)] * 3
    assert all(0 < one < 60_000 for pair in pairs for one in pair.client)
    assert (sides.of_serving, sides.of_candidate) == (Statuses(asked=4), Statuses(asked=4, failed=1))


async def test_a_pair_is_timed_by_the_servers_only_where_both_say_so() -> None:
    async with two(lambda _: Reply(headers={"Server-Timing": "total;dur=7"}), always(b"{}")) as sides:
        assert [pair.server for pair in await sides.pairs(LIST, 2)] == [None, None]


async def test_where_nothing_answers_the_reason_is_compared_and_no_pair_is_made() -> None:
    async with two(always(b"{}"), lambda _head: Reply(raw=b"nonsense\r\n\r\n", close=True)) as sides:
        assert await sides.pairs(LIST, 2) == []
        differing = (await found(sides, LIST))["the list"]
    assert differing[0] == "status type: 200 became 'BadAnswer'"
    assert sides.of_candidate.failed == sides.of_candidate.asked


def answer_of(body: bytes, status: int = 200, headers: httpx.Headers | None = None) -> Answer:
    return Answer(
        status=status, headers=headers or httpx.Headers(), body=body, elapsed_s=0.1, trace_id="", request="GET /"
    )


@pytest.mark.parametrize("status, failed", [(499, 0), (500, 1), (599, 1)])
def test_an_answer_of_500_or_more_or_none_is_a_failure(status: int, failed: int) -> None:
    assert Statuses(2, 1).plus([answer_of(b"", status), None]) == Statuses(4, 2 + failed)


def seen(answer: Answer | str, *, names_only: bool = False) -> object:
    return observation(answer, Question(name="q", method="GET", path="/", names_only=names_only))


def test_an_answer_is_compared_without_the_headers_of_the_way_there() -> None:
    headers = httpx.Headers(
        [
            ("Server", "x"),
            ("Via", "y"),
            ("X-One", "1"),
            ("X-Two", "a"),
            ("X-TWO", "b"),
            ("Content-Length", "2"),
        ]
    )
    assert seen(answer_of(b'{"a": [1]}', 201, headers)) == {
        "status": 201,
        "headers": {"x-one": "1", "x-two": "a, b"},
        "body": {"a": [1]},
    }
    assert seen("TooSlow") == {"status": "TooSlow"}


@pytest.mark.parametrize(
    "body, names_only, compared",
    [
        (b"not JSON", False, "not JSON"),
        (
            b"# TYPE up gauge\nup 1\n# HELP up x\n# TYPE a b c\n# TYPE n sum\n",
            True,
            {"up": "gauge", "n": "sum"},
        ),
        (b"# TYPE up gauge", False, "# TYPE up gauge"),
    ],
)
def test_of_metrics_names_and_types_are_compared(body: bytes, compared: object, *, names_only: bool) -> None:
    assert seen(answer_of(body), names_only=names_only) == {"status": 200, "headers": {}, "body": compared}


async def test_no_more_than_six_questions_are_under_way() -> None:
    under_way, most = set[int](), 0

    async def ask(number: int) -> int:
        nonlocal most
        under_way.add(number)
        most = max(most, len(under_way))
        for _ in range(3):
            await asyncio.sleep(0)
        under_way.discard(number)
        return number * 2

    assert await some_at_once(ask, range(20)) == [number * 2 for number in range(20)]
    assert most == 6


async def test_a_limiter_is_nobodys_answer() -> None:
    async with two(always(b"{}"), always(b"{}", status=429)) as sides:
        with pytest.raises(RateLimited):
            await found(sides, LIST)
