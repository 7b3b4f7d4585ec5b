"""Asking two revisions the same over HTTP: in rounds for what they answer, in pairs for how long they take."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from probes.comparison.noise import Round, is_decided
from probes.errors import BadAnswer, TooSlow, Unreachable
from probes.foreign.json_values import read_json
from probes.http.client import Answer, HttpClient
from probes.http.request_options import Headers
from probes.secret import Secret

Asked = TypeVar("Asked")
Came = TypeVar("Came")
Volatile = Collection[str]  # names of fields and headers, in small letters
AT_ONCE = 6  # questions; the three answers of a round come one after another
# Headers of the way there, not of the service; a body says its own length.
NOT_ITS_OWN = frozenset(
    {
        "alt-svc",
        "connection",
        "content-length",
        "keep-alive",
        "server",
        "transfer-encoding",
        "via",
    }
)
# Headers whose values differ from answer to answer by their nature.
VOLATILE_HEADERS = frozenset(
    {
        "age",
        "date",
        "etag",
        "expires",
        "last-modified",
        "retry-after",
        "server-timing",
        "set-cookie",
        "traceparent",
        "x-cloud-trace-context",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-request-id",
        "x-response-time",
        "x-trace-id",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request that changes nothing: it only reads, or it has to be refused."""

    name: str
    method: str
    path: str
    headers: Headers | None = None
    token: Secret | None = None
    content: bytes | None = None
    names_only: bool = False  # of a Prometheus text the metrics' names and types count, not their values


@dataclass(frozen=True, slots=True)
class Pair:
    """The times of two answers to the same question, one after the other, in milliseconds."""

    client: tuple[float, float]  # of the serving revision and of the candidate, by our clock
    server: tuple[float, float] | None  # by their own, where both state it


@dataclass(frozen=True, slots=True)
class Statuses:
    """How often each side was asked, and how often it answered 5xx or nothing."""

    asked: int = 0
    failed: int = 0

    def plus(self, answers: Iterable[Answer | None]) -> "Statuses":
        """These counts with further answers; None stands for no answer."""
        listed = list(answers)
        bad = sum(answer is None or answer.status >= 500 for answer in listed)  # noqa: PLR2004 - the server's own errors
        return Statuses(self.asked + len(listed), self.failed + bad)


@dataclass(slots=True)
class Sides:
    """The two revisions, and how each has answered so far."""

    serving: HttpClient
    candidate: HttpClient
    of_serving: Statuses = Statuses()
    of_candidate: Statuses = Statuses()

    async def rounds(self, question: Question, most: int, chance: random.Random, volatile: Volatile) -> list[Round]:
        """Ask in rounds: the serving revision twice, the candidate once, in an order by chance. Raises RateLimited.

        It ends as soon as further rounds could not find anything.
        """
        found: list[Round] = []
        while len(found) < most and not is_decided(found, volatile):
            order = [("primary", self.serving), ("secondary", self.serving), ("candidate", self.candidate)]
            chance.shuffle(order)
            answers = {role: await self._ask(client, question) for role, client in order}
            found.append(Round(**{role: observation(answer, question) for role, answer in answers.items()}))
        return found

    async def pairs(self, question: Question, count: int) -> list[Pair]:
        """Ask in pairs, each side first in every other pair. A pair without two equal statuses is left out."""
        found = []
        for number in range(count):
            order = [self.serving, self.candidate]
            order.reverse() if number % 2 else None
            answers = {client: await self._ask(client, question) for client in order}
            serving, candidate = answers[self.serving], answers[self.candidate]
            if isinstance(serving, Answer) and isinstance(candidate, Answer) and serving.status == candidate.status:
                found.append(_pair(serving, candidate))
        return found

    async def _ask(self, client: HttpClient, question: Question) -> Answer | str:
        """The answer, or in a word why there was none."""
        answer: Answer | str
        try:
            got = await client.send(
                question.method,
                question.path,
                headers=question.headers,
                token=question.token,
                content=question.content,
            )
            got.refuse_limiter()
            answer = got
        except (Unreachable, TooSlow, BadAnswer) as error:
            answer = type(error).__name__
        answers = [answer if isinstance(answer, Answer) else None]
        if client is self.serving:
            self.of_serving = self.of_serving.plus(answers)
        else:
            self.of_candidate = self.of_candidate.plus(answers)
        return answer


async def ask_all(
    sides: Sides, questions: Sequence[Question], rounds: int, chance: random.Random, volatile: Volatile
) -> dict[str, list[Round]]:
    """The rounds of several questions by their names, some at once. Raises what `Sides.rounds` raises."""
    answered = await some_at_once(lambda question: sides.rounds(question, rounds, chance, volatile), questions)
    return {question.name: found for question, found in zip(questions, answered, strict=True)}


async def some_at_once(ask: Callable[[Asked], Awaitable[Came]], asked: Iterable[Asked]) -> list[Came]:
    """Ask all of these, a few at a time; what came of each, in their order."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(question: Asked) -> Came:
        async with gate:
            return await ask(question)

    return await asyncio.gather(*map(one, asked))


def observation(answer: Answer | str, question: Question) -> Any:  # noqa: ANN401 - a JSON value
    """An answer as a JSON value that can be compared."""
    if isinstance(answer, str):
        return {"status": answer}
    headers: dict[str, str] = {}
    for name, value in answer.headers.multi_items():
        if name.lower() not in NOT_ITS_OWN:
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
    return {"status": answer.status, "headers": headers, "body": _body(answer, names_only=question.names_only)}


def _body(answer: Answer, *, names_only: bool) -> Any:  # noqa: ANN401 - a JSON value
    if names_only:
        types = [line.split() for line in answer.text.splitlines() if line.startswith("# TYPE ")]
        return {words[2]: words[3] for words in types if len(words) == 4}  # noqa: PLR2004 - "# TYPE name type"
    try:
        return read_json(answer.body)
    except ValueError:
        return answer.text


def _pair(serving: Answer, candidate: Answer) -> Pair:
    theirs = (serving.server_ms, candidate.server_ms)
    server = (theirs[0], theirs[1]) if theirs[0] is not None and theirs[1] is not None else None
    return Pair((serving.elapsed_s * 1e3, candidate.elapsed_s * 1e3), server)
