"""Threads whose owner is named in one place alone: in the owner's column, or in the metadata."""

import pytest

from fixtures.journeys import OTHER_TITLE, OWNERS_TITLE, Journey, refuse_title
from fixtures.rows import PLAIN, Plant, Row, Uproot
from gate.check import check
from probes.auth.tokens import User

ONE_RULE = (
    "Ask one function whose a thread is, on every route and in every statement: the column where it is set, else the "
    "metadata. An UPDATE that looks at the column alone does nothing to the others, and answers that it has."
)


@check(
    "threads.named-once",
    requirement="a thread whose owner is named in its column alone, or its metadata alone, is like any other of theirs",
    needs="http write mint single",
    remedy=ONE_RULE,
    looking="**an incident where another user read or changed it**; the row's `user_id` and metadata, and the "
    "statement of the route that the case names",
)
@pytest.mark.beside(spoils=True)
@pytest.mark.parametrize("where", ["column", "metadata"])
async def test_one_name_is_enough(journey: Journey, plant: Plant, uproot: Uproot, stranger: User, where: str) -> None:
    """Its owner lists, reads, changes and archives it, and no other user does.

    Where the contract's layout does not look in that place, the row has no owner, and is in no list.
    """
    shape = PLAIN if where == "metadata" else "{}"
    (row,) = await plant(journey.user, shape=shape, title=OWNERS_TITLE, column_empty=where == "metadata")
    try:
        await journey.refuse_all(row.id, stranger)
        if row.owned:
            await _refuse_unlike_others(journey, row, stranger)
        else:
            await journey.refuse_listed(row.id, stranger)
    finally:
        await uproot([row])


async def _refuse_unlike_others(journey: Journey, row: Row, stranger: User) -> None:
    """Raise CheckFailure unless the owner can do with a thread what can be done with any other."""
    read, listed = await journey.read_and_listed(row.id)
    if "title" in row.says:
        for item, place in ((read, "by its id"), (listed, "in its owner's list")):
            refuse_title(item, OWNERS_TITLE, journey, place)
    await journey.done("history", row.id, "the thread's messages")
    owner_key = journey.threads.contract.database.layout.owner_key
    for said, how in (({"topic": "any"}, "names no owner"), ({owner_key: stranger.sub}, "names another user")):
        body = journey.body(title=OTHER_TITLE, metadata=said)
        await journey.done("rename", row.id, "the thread with its new title", json=body)
        where = f"in its owner's list after a change whose metadata {how}"
        refuse_title(await journey.listed(row.id), OTHER_TITLE, journey, where)
    await journey.refuse_listed(row.id, stranger)
    await journey.done("archive", row.id, "the thread is archived")
    journey.refuse_present(await journey.do("read", row.id))
    await journey.refuse_listed(row.id, journey.user)
