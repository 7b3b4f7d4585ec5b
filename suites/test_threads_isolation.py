"""Threads stay with their owner, and nothing a client sends makes the server fail or reveal internals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Literal

import pytest

from fixtures.error_answers import ErrorAnswers
from fixtures.http_services import CLIENT_ERRORS, refuse_server_error, seen
from fixtures.journeys import StartJourney
from fixtures.pace import Family
from fixtures.reading import carried_id
from fixtures.rows import Plant
from fixtures.threads import COMMIT_FIRST, LIMIT, Threads
from fixtures.users import Borrow
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.auth.pool import UserPool
from probes.auth.tokens import User
from probes.foreign.excerpt import excerpt
from probes.http.client import Answer
from probes.http.internals import find_internals
from probes.http.request_options import RequestOptions
from targets.contract import Contract
from targets.contract.rest import ThreadRules

SHARED = {"public": True, "shared": True, "visibility": "public"}  # by what its owner wrote, which decides nothing
NAMED_BESIDE = ("forged header", "forged parameter")
NAMED_ALONE = {f"{case} alone": case for case in NAMED_BESIDE}  # without a token
TOKEN_ALONE = "Only a valid token says who asks; a header that a proxy sets must be removed from what clients send."
WHOLE_RUN = "every one of this run"
COMMON_WIDTH = 255  # characters, of a column for ids


def refuse_foreign(listed: set[str], foreign: set[str]) -> None:
    """Raise a CheckFailure if another user's row is listed."""
    shown = sorted(foreign & listed)
    if shown:
        raise CheckFailure(expected="no thread of anybody else", actual=f"listed: {', '.join(shown)}")


@check(
    "threads.isolation",
    requirement="a user never sees another user's thread",
    needs="http write mint",
    remedy="Filter only by the token's user; if column and metadata disagree, the column decides (not Fix 3's OR).",
    looking="**an incident**: the case says whose row was seen by whom, and how; the query in the log, if it is logged",
)
@pytest.mark.beside
@pytest.mark.parametrize("case", ["other user", "disagreeing owner", *NAMED_BESIDE, *NAMED_ALONE, "similar id"])
async def test_nobody_sees_a_foreign_thread(
    threads: Threads, plant: Plant, owner: User, stranger: User, case: str
) -> None:
    """However another user's row resembles the user's, it is not listed, and the user's own row is.

    If a row's column and metadata disagree, the contract's layout decides: if only the metadata counts, the
    row is the user's own.
    """
    (own,) = await plant(owner)
    if case in NAMED_ALONE:
        await _refuse_without_token(threads, owner, NAMED_ALONE[case])
        return
    if case == "disagreeing owner":
        foreign = await plant(owner, column_owner=stranger)
    elif case == "similar id":
        with_a_blank = User(f"{owner.sub} ", stranger.email)  # which TRIM drops
        alike = [*UserPool.lookalikes(owner, stranger), with_a_blank]
        foreign = [row for user in alike for row in await plant(user)]
    else:
        foreign = [*await plant(stranger), *await plant(stranger, metadata=dict(SHARED))]
    answer = await threads.ask(owner, **_naming(stranger, case, threads.contract.threads))
    if case == "forged parameter" and answer.status in CLIENT_ERRORS:
        return  # parameters that a service does not know may be refused
    items = threads.listed(answer)
    listed = {threads.id_of(item) for item in items}
    refuse_foreign(listed, {row.id for row in foreign if row.owner != owner.sub})
    own_rows = {own.id, *(row.id for row in foreign if row.owner == owner.sub)}
    if not own_rows <= listed:
        lacking = ", ".join(sorted(own_rows - listed))
        raise CheckFailure(expected=f"the user's own {lacking}", actual=f"a list of {len(items)} without it")


async def _refuse_without_token(threads: Threads, owner: User, case: str) -> None:
    """Raise CheckFailure if a request without a token, which names a user who has threads, is not refused."""
    naming = _naming(owner, case, threads.contract.threads)
    answer = await threads.door.get(threads.contract.paths.threads, **naming)
    if answer.status not in CLIENT_ERRORS:
        expected = f"a refusal without a token, whatever {case} there is"
        raise CheckFailure(expected=expected, actual=seen(answer), remedy=TOKEN_ALONE)


def _naming(user: User, case: str, rules: ThreadRules) -> RequestOptions:
    """What names another user beside the token, in a header or in the query."""
    if case == "forged header":
        return {"headers": dict.fromkeys(rules.forged_headers, user.sub)}
    return {"params": dict.fromkeys(rules.forged_parameters, user.sub)} if case == "forged parameter" else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """A request for the list as no frontend sends it; `may`: what may be answered besides 4xx."""

    query: str = ""
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    may: Literal["", "nothing", "the list"] = ""


HOSTILE = {
    "NUL byte": Odd(query="?{limit}=5&{offset}=%00"),
    "SQL quotes": Odd(query="?{limit}=5'%20OR%20'1'='1"),
    "SQL statement": Odd(query="?{limit}=5;DROP%20TABLE%20threads--"),
    "overlong": Odd(query="?{limit}=" + "9" * 4000),
    "bad UTF-8": Odd(query="?{limit}=%ff%fe"),
    "given twice": Odd(query="?{limit}=5&{limit}=x", may="the list"),  # which of them counts is up to the service
    "operator object": Odd(query="?{limit}=%7B%22%24gt%22%3A0%7D"),
    "exponent": Odd(query="?{offset}=1e5"),
    "offset over 31 bits": Odd(query=f"?{{offset}}={2**31}", may="nothing"),
    "offset over 63 bits": Odd(query=f"?{{offset}}={2**63}", may="nothing"),
    "unknown method": Odd(method="PATCH"),
    "bad trace": Odd(headers={"traceparent": "00-0"}, may="the list"),  # the platform has a header of its own
    "HTML wanted": Odd(headers={"Accept": "text/html", "Accept-Language": "*;q=x"}, may="the list"),
    "part of it": Odd(headers={"Range": "bytes=5-2", "If-None-Match": '"'}, may="the list"),
}
HOSTILE_USERS = {
    "SQL quotes": "nv-x' OR '1'='1",
    "NUL byte": "nv-x\x00y",
    "overlong": "nv-" + "x" * 3000,
    "LIKE wildcard": "nv-%",
}


@check(
    "threads.hostile",
    requirement="nothing a client sends causes a 5xx, and hostile input returns no rows",
    needs="http token",
    remedy="Declare parameter types; bind every value; refuse NUL bytes before they reach Postgres.",
    looking="the case's `curl` against staging; the traceback in the server's log lines",
)
@pytest.mark.beside
@pytest.mark.parametrize("case", HOSTILE)
async def test_hostile_input_is_refused(threads: Threads, family: Family, borrow: Borrow, case: str) -> None:
    """A hostile query gets a 4xx, or no rows where its window is allowed; odd headers get a 4xx, or are ignored."""
    path, rules = threads.contract.paths.threads, threads.contract.threads

    async def ask(case: str, recorder: Recorder) -> Answer:
        odd = HOSTILE[case]
        query = odd.query.format(limit=rules.limit_parameter, offset=rules.offset_parameter)
        with borrow("owner") as user:
            token, door = threads.tokens.good(user), threads.noted_by(recorder).door
            return await door.ask(odd.method, path + query, token=token, headers=odd.headers)

    answer, may = await family.ask(case, ask), HOSTILE[case].may
    if answer.status == HTTPStatus.OK and may and (may == "the list" or not threads.items(answer)):
        return
    if answer.status not in CLIENT_ERRORS:
        raise CheckFailure(expected=f"4xx, or {may}" if may else "4xx", actual=seen(answer))


@check(
    "threads.hostile-user",
    requirement="a user id that is very long or has quotes or a NUL byte causes no 5xx and returns no rows",
    needs="http mint",
    remedy="Bind the user id as a parameter; refuse what a text column can't hold.",
    looking="the case's `curl`; how the user id gets into the query",
)
@pytest.mark.beside
@pytest.mark.parametrize("case", HOSTILE_USERS)
async def test_hostile_user_ids_find_nothing(threads: Threads, family: Family, case: str) -> None:
    """Our own token with a hostile user id is refused, or lists nothing."""

    async def ask(case: str, recorder: Recorder) -> Answer:
        return await threads.noted_by(recorder).ask(User(HOSTILE_USERS[case], "hostile@netra-verify.invalid"))

    answer = await family.ask(case, ask)
    refuse_server_error(answer, "an empty list or 4xx")
    if answer.status == HTTPStatus.OK and threads.items(answer):
        raise CheckFailure(expected="no rows for a user without threads", actual=seen(answer))


@check(
    "threads.long-user",
    requirement="users whose long ids differ only in the last character are refused, or are two users",
    needs="http write mint single",
    remedy="Refuse a user id that the column can't hold before the first statement, and never cut one: what is left of "
    "it may be another user's.",
    looking="the type of the column that holds the owner, and casts to it; the longest `sub` that validation accepts",
)
@pytest.mark.beside
@pytest.mark.parametrize("length", [COMMON_WIDTH, COMMON_WIDTH + 1])
async def test_long_user_ids_are_two_users(start_journey: StartJourney, owner: User, length: int) -> None:
    """Each of two users creates a thread: both are refused with a 4xx, or each lists their own thread alone.

    Their ids are as long as the usual column for an id, or one character longer.
    """
    pair = [UserPool.lengthened(owner, length, last) for last in "ab"]
    journeys = [start_journey(user) for user in pair]
    rules = journeys[0].threads.contract.threads.one
    for journey in journeys:
        answer = await journey.do("create", json=journey.body(title="the thread of a user with a long id"))
        refuse_server_error(answer, f"a thread of a user whose id has {length} characters, or 4xx")
        if answer.status in rules.created:
            journey.keep(answer.json_object())
    created = {thread_id for journey in journeys for thread_id in journey.made}
    for journey in journeys if created else ():
        listed = {journey.threads.id_of(item) for item in await journey.threads.page(journey.user)}
        refuse_foreign(listed, created - {*journey.made})
        if not listed >= {*journey.made}:
            actual = f"{len(listed)} threads without it"
            raise CheckFailure(expected="the user's own thread in the list", actual=actual, remedy=COMMIT_FIRST)


@check(
    "threads.errors-clean",
    requirement="error bodies are JSON, contain no internals, and have a request id",
    needs="http token",
    remedy="Use one error handler that answers JSON with the trace id and logs the rest.",
    looking="the body in the evidence; what a proxy in front may have put there",
)
@pytest.mark.parametrize(
    "kind",
    [
        *(
            pytest.param(kind, marks=pytest.mark.beside)
            for kind in ("refused window", "no token", "no such path", "other method")
        ),
        pytest.param(WHOLE_RUN, marks=pytest.mark.at_the_end),
    ],
)
async def test_error_bodies_hold_no_internals(
    threads: Threads, owner: User, error_answers: Mapping[str, ErrorAnswers], recorder: Recorder, kind: str
) -> None:
    """An error has its trace id and reveals no internals; the last case judges all errors of the run."""
    if kind == WHOLE_RUN:
        found = [one for service in error_answers.values() for one in service.internals]
        seen_so_far = sum(service.seen for service in error_answers.values())
        recorder.figures(rule="error bodies of this run with internals", n=seen_so_far, value=len(found), limit=0)
        if found:
            raise CheckFailure(expected="no internals in any error body of the run", actual="; ".join(found[:5]))
        return
    path = threads.contract.paths.threads
    if kind == "refused window":
        ask = partial(threads.ask, owner, {LIMIT: "no number"})
    elif kind == "no token":
        ask = partial(threads.door.get, path)
    elif kind == "other method":
        ask = partial(threads.door.ask, HOSTILE["unknown method"].method, path, token=threads.tokens.good(owner))
    else:
        ask = partial(threads.door.get, f"{path}/no-such-path/here", token=threads.tokens.good(owner))
    answers = await threads.door.pace.together([ask, ask])
    for answer in answers:
        refuse_internals(answer, threads.contract)
    rules = threads.contract.errors
    first, second = (carried_id(one, rules.request_id_headers, rules.request_id_fields) for one in answers)
    if first and first == second:
        raise CheckFailure(expected="a request id of its own for each request", actual=f"{first!r} for two of them")


def refuse_internals(answer: Answer, contract: Contract) -> None:
    """Raise a CheckFailure if an error answer is not JSON, reveals internals, or can't be traced."""
    if answer.status < 400:  # noqa: PLR2004 - not an error at all
        raise CheckFailure(expected="an error answer", actual=seen(answer))
    refuse_server_error(answer, "a client error")
    body, rules = answer.json(), contract.errors
    if not answer.is_called_json:
        kind = excerpt(answer.media_type, 80) or "nothing in particular"
        raise CheckFailure(expected="an error that is sent as JSON", actual=f"sent as {kind}: {seen(answer)}")
    found = find_internals(answer.text, answer.request)
    if found:
        raise CheckFailure(expected="no internals in an error body", actual=f"{found!r} in {seen(answer)}")
    names = sorted(rules.request_id_headers | rules.request_id_fields)
    if names and (
        not isinstance(body, dict) or not carried_id(answer, rules.request_id_headers, rules.request_id_fields)
    ):
        raise CheckFailure(
            expected=f"a request id under one of {', '.join(names)} (contract.errors)", actual=seen(answer)
        )
