"""Single threads by id: another user's, unknown, archived, and rows without an owner."""

from functools import partial

import pytest

from fixtures.http_services import CLIENT_ERRORS, refuse_server_error, seen
from fixtures.journeys import OWNERS_TITLE, STEPS, UNKNOWN_ID, Journey
from fixtures.rows import Plant, Row, Uproot
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.pool import UserPool
from probes.auth.tokens import User

SPOILING = ("NULL metadata", "no owner")
BESIDE = ("foreign", "similar id", "unknown", "archived", "odd id")
SILENT = "Refuse without a reason: who guesses an id of a thread must not learn whose it is."
# In the place of an id, as it is sent.
ODD_IDS = {
    "a NUL byte": "nv%00",
    "no UTF-8": "nv%ff%fe",
    "SQL quotes": "nv'%20OR%20'1'='1",
    "an overlong text": "n" * 3000,
}


@check(
    "threads.by-id",
    requirement="another user's thread is refused by its id: 403 or 404, never 5xx, and never the row",
    needs="http write mint single",
    remedy="Find by id and owner in one statement; a row without metadata or owner belongs to no one and is not an "
    "error.",
    looking="**an incident where a foreign thread was read or changed**: the case says whose, and by which route",
)
@pytest.mark.parametrize(
    "whose",
    [
        *(pytest.param(whose, marks=pytest.mark.beside) for whose in BESIDE),
        # A service that can't read such a row may refuse everybody's list.
        *(pytest.param(whose, marks=pytest.mark.beside(spoils=True)) for whose in SPOILING),
    ],
)
async def test_what_is_not_ones_own_is_refused(
    journey: Journey, plant: Plant, uproot: Uproot, stranger: User, whose: str
) -> None:
    """No route reveals or changes anything of it."""
    if whose == "unknown":
        await _refuse_unknown(journey, plant, uproot)
        return
    if whose == "odd id":
        await _refuse_odd_ids(journey)
        return
    if whose == "similar id":
        await _refuse_alike(journey, plant, stranger)
        return
    if whose in SPOILING:
        await _refuse_ownerless(journey, plant, uproot, stranger, whose)
        return
    owner = stranger if whose == "foreign" else journey.user
    (row,) = await plant(owner, title=OWNERS_TITLE, deleted=whose == "archived")
    await journey.refuse_all(row.id, archived=whose == "archived")
    if whose == "foreign":
        await _refuse_naming(journey, row, stranger)
        await journey.refuse_changed(row.id, OWNERS_TITLE, "another user", stranger)


async def _refuse_unknown(journey: Journey, plant: Plant, uproot: Uproot) -> None:
    """Raise CheckFailure unless each step is refused for two ids of no thread; with one, another's id begins."""
    await journey.refuse_all(UNKNOWN_ID)
    (shorter,) = await plant(journey.user)
    await plant(journey.user, id_after=shorter, title=OWNERS_TITLE)
    await uproot([shorter])
    await journey.refuse_all(shorter.id)


async def _refuse_ownerless(journey: Journey, plant: Plant, uproot: Uproot, stranger: User, whose: str) -> None:
    """Raise CheckFailure unless a row that may have no owner is refused to strangers, and listed for its owner."""
    shape = "sql-null" if whose == "NULL metadata" else "user_id null"
    (row,) = await plant(journey.user, shape=shape, title=OWNERS_TITLE, column_empty=whose == "no owner")
    try:
        await _never_a_server_error(journey, row)
        await journey.refuse_all(row.id, stranger)
        for user in (stranger,) if row.owned else (stranger, journey.user):
            await journey.refuse_listed(row.id, user)
    finally:
        await uproot([row])


async def _refuse_naming(journey: Journey, row: Row, owner: User) -> None:
    """Raise CheckFailure if a refusal says whose the thread is."""
    answer = await journey.do("read", row.id)
    if owner.sub in answer.text:
        raise CheckFailure(
            expected="a refusal that does not name the thread's owner", actual=seen(answer), remedy=SILENT
        )


async def _refuse_alike(journey: Journey, plant: Plant, stranger: User) -> None:
    """Raise CheckFailure unless each step is refused for threads of users whose ids resemble the user's own."""
    with_a_blank = User(f"{journey.user.sub} ", stranger.email)  # which TRIM drops
    alike = [*UserPool.lookalikes(journey.user, stranger), with_a_blank]
    rows = [row for user in alike for row in await plant(user, title=OWNERS_TITLE)]
    await journey.threads.door.pace.together(partial(journey.refuse_all, row.id) for row in rows)


async def _refuse_odd_ids(journey: Journey) -> None:
    """Raise CheckFailure unless each step is a client's error for each text that no thread has for its id."""
    asked = [(step, what) for step in STEPS for what in ODD_IDS]
    body = journey.body(title="taken over")
    answers = await journey.threads.door.pace.together(
        partial(journey.do, step, ODD_IDS[what], json=body if step == "rename" else None) for step, what in asked
    )
    for (step, what), answer in zip(asked, answers, strict=True):
        if answer.status not in CLIENT_ERRORS:
            raise CheckFailure(expected=f"{step} of {what} for an id: 4xx", actual=seen(answer))


async def _never_a_server_error(journey: Journey, row: Row) -> None:
    """A row that may have no owner: for the user it was planted for, its routes answer anything except 5xx."""
    steps = ("read", "history")
    answers = await journey.threads.door.pace.together(partial(journey.do, step, row.id) for step in steps)
    for step, answer in zip(steps, answers, strict=True):
        refuse_server_error(answer, f"{step} of a row without an owner in it: no 5xx")
