"""Hostile bodies for a new thread: refused, or stored and listed, and no list breaks then or later."""

from functools import partial

import pytest

from fixtures.http_services import refuse_server_error, seen
from fixtures.journeys import Journey
from fixtures.rows import Plant
from fixtures.threads import LIMIT
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User

DEEP = 2_000
MIB = 1024 * 1024
# As sent on the wire, with the contract's names for {title} and {metadata}.
BODIES = {
    "NUL escape": '{"{title}": "a", "{metadata}": {"x": "\\u0000"}}',
    "lone surrogate": '{"{title}": "a", "{metadata}": {"x": "\\ud800"}}',
    "NUL in a key": '{"{title}": "a", "{metadata}": {"\\u0000": 1}}',
    "deep": '{"{metadata}": {"x": ' + "[" * DEEP + "]" * DEEP + "}}",
    "1 MiB": '{"{metadata}": {"x": "' + "x" * MIB + '"}}',
    "title a number": '{"{title}": 123}',
    "title an object": '{"{title}": {}}',
    "metadata a list": '{"{title}": "a", "{metadata}": [1]}',
    "number out of range": '{"{metadata}": {"x": 1e999}}',  # read as infinity, for which JSON has no word
    "unknown keys": '{"{title}": "a", "nv_unknown": 1, "id": "nv-chosen", "deleted_at": 1}',
}


@check(
    "threads.create-hostile",
    requirement="a hostile body is refused, or stored and listed, and afterwards every list still works",
    needs="http write mint single",
    remedy=(
        "Validate the body before it is stored: types, size, depth, and text that the column's operators can read back "
        "(no NUL, no lone surrogate). One such row can make every list a 500."
    ),
    looking="the case's body; then `GET /api/threads` of anybody: is it still 200? `data.poison` names such rows",
)
@pytest.mark.parametrize("case", BODIES)
async def test_a_hostile_body_harms_nobody(journey: Journey, plant: Plant, owner: User, case: str) -> None:
    """The answer is 4xx or the thread, never 5xx; then the user's own list and another user's list are read."""
    await plant(owner)
    rules = journey.threads.contract.threads.one
    body = BODIES[case].replace("{title}", rules.title).replace("{metadata}", rules.metadata)
    answer = await journey.do("create", content=body.encode(), headers={"Content-Type": "application/json"})
    if answer.status in rules.created:
        thread_id = journey.keep(answer.json_object())
        if await journey.listed(thread_id) is None:
            raise CheckFailure(expected="what was accepted is listed", actual=f"{thread_id} is not in its owner's list")
    asked = [partial(journey.threads.ask, user, {LIMIT: 1}) for user in (journey.user, owner)]
    for later in await journey.threads.door.pace.together(asked):
        refuse_server_error(later, f"a list after a body with {case}")
    refuse_server_error(answer, f"4xx or the stored thread for a body with {case}")
    if answer.status not in rules.created | rules.refused:
        raise CheckFailure(expected=f"a body with {case}: refused (contract.threads.one.refused)", actual=seen(answer))
