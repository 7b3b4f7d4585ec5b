"""Hostile bodies for a new thread, or a change: refused, or stored, and no list breaks then or later."""

from functools import partial

import pytest

from fixtures.http_services import refuse_server_error, seen
from fixtures.journeys import Journey
from fixtures.rows import Plant
from fixtures.threads import LIMIT
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.http.client import Answer

DEEP = 2_000
MIB = 1024 * 1024
# As sent on the wire, with the contract's names for {title} and {metadata}.
BODIES = {
    "NUL escape": '{"{title}": "a", "{metadata}": {"x": "\\u0000"}}',
    "lone surrogate": '{"{title}": "a", "{metadata}": {"x": "\\ud800"}}',
    "NUL in a key": '{"{title}": "a", "{metadata}": {"\\u0000": 1}}',
    "deep": '{"{metadata}": {"x": ' + "[" * DEEP + "]" * DEEP + "}}",
    "1 MiB": '{"{metadata}": {"x": "' + "x" * MIB + '"}}',
    "nothing in the title": '{"{title}": "", "{metadata}": {}}',
    "100 KiB in the title": '{"{title}": "' + "x" * 100 * 1024 + '"}',
    "title a number": '{"{title}": 123}',
    "title an object": '{"{title}": {}}',
    "metadata a list": '{"{title}": "a", "{metadata}": [1]}',
    "number out of range": '{"{metadata}": {"x": 1e999}}',  # read as infinity, for which JSON has no word
    "integer of 30 digits": '{"{metadata}": {"x": ' + "9" * 30 + "}}",
    "unknown keys": '{"{title}": "a", "nv_unknown": 1, "id": "nv-chosen", "deleted_at": 1}',
}
JSON = {"Content-Type": "application/json"}
UNREADABLE = {  # and under which type it is sent
    "no JSON": (b"{", JSON["Content-Type"]),
    "nothing": (b"", JSON["Content-Type"]),
    "null": (b"null", JSON["Content-Type"]),
    "an empty object": (b"{}", JSON["Content-Type"]),
    "a list": (b"[{}]", JSON["Content-Type"]),
    "no UTF-8": (b'{"x": "\xff"}', JSON["Content-Type"]),
    "a form": (b"title=a", "application/x-www-form-urlencoded"),
}
SAYS_NOTHING = ("nothing", "null", "an empty object")
VALIDATED = (
    "Validate the body before it is stored: types, size, depth, and text that the column's operators can read back "
    "(no NUL, no lone surrogate). One such row can make every list a 500."
)


@check(
    "threads.create-hostile",
    requirement="a hostile body is refused, or stored and listed, and afterwards every list still works",
    needs="http write mint single",
    remedy=VALIDATED,
    looking="the case's body; then `GET /api/threads` of anybody: is it still 200? `data.poison` names such rows",
)
@pytest.mark.beside(spoils=True)
@pytest.mark.parametrize("case", BODIES)
async def test_a_hostile_body_harms_nobody(journey: Journey, plant: Plant, owner: User, case: str) -> None:
    """The answer is 4xx or the thread, never 5xx; then the user's own list and another user's list are read.

    What was refused is not stored, neither as it was sent nor in part.
    """
    await plant(owner)
    rules = journey.threads.contract.threads.one
    before = await journey.threads.everything(journey.user)
    answer = await journey.do("create", content=_written(case, journey), headers=JSON)
    if answer.status in rules.created:
        thread_id = journey.keep(answer.json_object())
        if await journey.listed(thread_id) is None:
            raise CheckFailure(expected="what was accepted is listed", actual=f"{thread_id} is not in its owner's list")
    await _refuse_harm(journey, owner, case)
    if answer.status in rules.refused and len(await journey.threads.everything(journey.user)) > len(before):
        raise CheckFailure(expected="what was refused is not stored", actual="a thread more in its sender's list")
    _refuse_other_status(answer, rules.created | rules.refused, f"a body with {case}")


@check(
    "threads.change-hostile",
    requirement="a hostile body for a change is refused, or stored, and afterwards every list still works",
    needs="http write mint single",
    remedy=VALIDATED,
    looking="the body in the evidence, sent to the route that changes a thread; is it checked there as it is for a new "
    "one?",
)
@pytest.mark.beside(spoils=True, takes_long=True)
async def test_a_hostile_change_harms_nobody(journey: Journey, plant: Plant, owner: User) -> None:
    """One thread is changed by each hostile body in turn: the same is looked at as after a new thread of that body."""
    await plant(owner)
    (row,) = await plant(journey.user)
    rules = journey.threads.contract.threads.one
    for case in BODIES:
        answer = await journey.do("rename", row.id, content=_written(case, journey), headers=JSON)
        await _refuse_harm(journey, owner, case)
        _refuse_other_status(answer, rules.done | rules.refused, f"a change with {case}")


@check(
    "threads.unreadable",
    requirement="a body that can't be read is refused by the routes that take one, never with a 5xx",
    needs="http write mint single",
    remedy="Have the framework read the body by its declared type; where the code reads it, catch what reading raises.",
    looking="the case's `curl`; the traceback in the server's log lines",
)
@pytest.mark.beside
@pytest.mark.parametrize("step", ["create", "rename"])
async def test_what_cannot_be_read_is_refused(journey: Journey, plant: Plant, step: str) -> None:
    """No JSON, no object, no UTF-8 and a form, for a new thread and for a change of one.

    No body, null and an empty object may also be taken for one in which nothing is said: every field is optional.
    """
    thread_id = (await plant(journey.user))[0].id if step == "rename" else ""
    asked = [
        partial(journey.do, step, thread_id, content=content, headers={"Content-Type": kind})
        for content, kind in UNREADABLE.values()
    ]
    answers = await journey.threads.door.pace.together(asked)
    rules = journey.threads.contract.threads.one
    for what, answer in zip(UNREADABLE, answers, strict=True):
        taken = (rules.created if step == "create" else rules.done) if what in SAYS_NOTHING else frozenset[int]()
        if answer.status in taken and step == "create":
            journey.keep(answer.json_object())
        _refuse_other_status(answer, rules.refused | taken, f"{step} with {what}")


def _written(case: str, journey: Journey) -> bytes:
    rules = journey.threads.contract.threads.one
    return BODIES[case].replace("{title}", rules.title).replace("{metadata}", rules.metadata).encode()


async def _refuse_harm(journey: Journey, owner: User, case: str) -> None:
    """Raise CheckFailure if the list of the one who sent it, or of another user, is a 5xx afterwards."""
    asked = [partial(journey.threads.ask, user, {LIMIT: 1}) for user in (journey.user, owner)]
    for later in await journey.threads.door.pace.together(asked):
        refuse_server_error(later, f"a list after a body with {case}")


def _refuse_other_status(answer: Answer, allowed: frozenset[int], what: str) -> None:
    refuse_server_error(answer, f"{what}: 4xx, or stored")
    if answer.status not in allowed:
        raise CheckFailure(expected=f"{what}: refused (contract.threads.one.refused)", actual=seen(answer))
