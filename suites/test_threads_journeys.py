"""What a user does with one thread: creates, reads, renames and archives it, and reads its messages."""

import uuid

import pytest

from fixtures.journeys import Journeys
from fixtures.reading import misfits
from fixtures.rows import Plant
from fixtures.threads import Item
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User

TITLES = ("nv & < \" ' 😀", None)
NEEDS = "http write mint thread-routes"


def refuse_unlike(journeys: Journeys, item: Item | None, where: str, title: str | None, user: User) -> Item:
    """Raise CheckFailure where a thread is missing, misshapen, or has another title or owner than it must have."""
    rules = journeys.threads.contract.threads
    if item is None:
        raise CheckFailure(expected=f"the thread {where}", actual="it is missing there")
    wrong = misfits(item, rules.item)
    if wrong:
        raise CheckFailure(expected=f"a thread as contract.threads.item has it, {where}", actual="; ".join(wrong)[:300])
    says: dict[str, object] = {"title": title, "owner": user.sub}
    wanted = {name: says[source] for name, source in rules.compare.items() if source in says}
    actual = {name: item[name] for name in wanted}
    if actual != wanted:
        raise CheckFailure(expected=f"{where}: {wanted}", actual=str(actual)[:300])
    return item


async def refuse_unlike_anywhere(journeys: Journeys, user: User, thread_id: str, title: str | None) -> None:
    """Read the thread again, by its id and in the list, at once: a stale copy is a failure."""
    read = refuse_unlike(journeys, await journeys.read(user, thread_id), "read by its id", title, user)
    listed = refuse_unlike(journeys, await journeys.listed(user, thread_id), "in the list", title, user)
    if read != listed:
        raise CheckFailure(expected=f"in the list what its id gives: {read}"[:300], actual=str(listed)[:300])


@check(
    "threads.create",
    requirement="a thread that was created is stored under its owner, with what was sent",
    needs=NEEDS,
    remedy="Commit before answering, and answer what was stored; look for an error in the log that became a 200.",
)
async def test_what_was_created_is_stored(journeys: Journeys, owner: User) -> None:
    """It is answered, in the table, read back by id and listed, with the title that was sent, or null."""
    rules = journeys.threads.contract.threads
    for title in TITLES:
        made = refuse_unlike(
            journeys, await journeys.create(owner, {rules.title_field: title}), "answered", title, owner
        )
        thread_id = journeys.threads.id_of(made)
        if not await journeys.seeder.holds(thread_id):
            raise CheckFailure(expected=f"the thread {thread_id} in the table", actual="no such row: it was not stored")
        listed = await journeys.listed(owner, thread_id)
        refuse_unlike(journeys, listed, "in the list", title, owner)


@check(
    "threads.read",
    requirement="a thread is read by its id, and says what the list says of it",
    needs=NEEDS,
    remedy="Mend the route: the server's log lines show why it does not answer; list and read take the same row.",
)
async def test_a_thread_is_read_by_its_id(journeys: Journeys, plant: Plant, owner: User) -> None:
    """What its id gives is what was written, and what the list has."""
    (row,) = await plant(owner, title=TITLES[0])
    await refuse_unlike_anywhere(journeys, owner, row.id, TITLES[0])


@check(
    "threads.rename",
    requirement="a new title is stored, and shown at once",
    needs=NEEDS,
    remedy="Commit the change; forget cached lists of its owner in the same step.",
)
async def test_a_new_title_is_shown_at_once(journeys: Journeys, plant: Plant, owner: User) -> None:
    """After the change the list has the new title, the same owner, and no old copy."""
    rules = journeys.threads.contract.threads
    (row,) = await plant(owner, title="nv before")
    refuse_unlike(journeys, await journeys.listed(owner, row.id), "in the list before", "nv before", owner)
    await journeys.do(owner, rules.routes.rename, row.id, {rules.title_field: TITLES[0]})
    refuse_unlike(journeys, await journeys.listed(owner, row.id), "in the list at once", TITLES[0], owner)


@check(
    "threads.archive",
    requirement="an archived thread is gone from the list at once",
    needs=NEEDS,
    remedy="Set deleted_at and commit; forget cached lists of its owner in the same step.",
)
async def test_an_archived_thread_is_gone(journeys: Journeys, plant: Plant, owner: User) -> None:
    """The list that had it a moment before lacks it, and still has the owner's other thread."""
    gone, kept = await plant(owner, count=2, title="nv archived")
    refuse_unlike(journeys, await journeys.listed(owner, gone.id), "in the list before", "nv archived", owner)
    await journeys.do(owner, journeys.threads.contract.threads.routes.archive, gone.id)
    if await journeys.listed(owner, gone.id) is not None:
        raise CheckFailure(expected=f"{gone.id} no longer listed", actual="it is still in the list")
    refuse_unlike(journeys, await journeys.listed(owner, kept.id), "in the list after", "nv archived", owner)


@check(
    "threads.messages",
    requirement="a thread's messages are listed",
    needs=NEEDS,
    remedy="Mend the route: the server's log lines show why it does not answer.",
)
async def test_messages_are_listed(journeys: Journeys, plant: Plant, owner: User) -> None:
    """A thread without messages has an empty list of them."""
    rules = journeys.threads.contract.threads
    (row,) = await plant(owner)
    answer = (await journeys.do(owner, rules.routes.messages, row.id)).json_object()
    if answer.get(rules.messages_field) != []:
        raise CheckFailure(expected=f"no messages: [] under {rules.messages_field!r}", actual=str(answer)[:300])


@check(
    "threads.by-id",
    requirement="a thread that is somebody else's, archived or unknown can't be had by its id",
    needs=NEEDS,
    remedy="Ask for id, owner and deleted_at in one condition; answer 404 (or 403) where there is no row.",
)
@pytest.mark.parametrize("case", ["foreign", "archived", "unknown"])
async def test_others_ids_give_nothing(
    journeys: Journeys, plant: Plant, owner: User, stranger: User, case: str
) -> None:
    """Reading, renaming, archiving it and reading its messages are refused."""
    rules = journeys.threads.contract.threads
    if case == "unknown":
        thread_id = f"nv-{uuid.uuid4().hex}"
    else:
        (row,) = await plant(stranger if case == "foreign" else owner, deleted=case == "archived")
        thread_id = row.id
    await journeys.refused(owner, rules.routes.read, thread_id)
    await journeys.refused(owner, rules.routes.messages, thread_id)
    await journeys.refused(owner, rules.routes.rename, thread_id, {rules.title_field: "nv taken over"})
    await journeys.refused(owner, rules.routes.archive, thread_id)
