"""A thread that its owner archives: it goes at once, and alone."""

from datetime import timedelta
from functools import partial

import pytest

from fixtures.journeys import OTHER_TITLE, TITLE, Journey, refuse_stale, refuse_title
from fixtures.messages import Messages
from fixtures.rows import Plant
from fixtures.threads import AS_STORED, Item
from gate.check import check
from gate.failures import CheckFailure
from probes.database.seeding import Seeder

ARCHIVED_ALONE = "Change nothing of other threads, nor of their messages: bind the one thread's id in every statement."


@check(
    "threads.archive",
    requirement="an archived thread disappears at once from the list and by its id, and no other thread does",
    needs="http write mint single",
    remedy="Set deleted_at in the transaction of the request, and filter by it wherever threads are read.",
    looking="`deleted_at` of the row; the filter of the list and of the route by id",
)
@pytest.mark.beside
async def test_an_archived_thread_is_gone(journey: Journey, plant: Plant, messages: Messages, seeder: Seeder) -> None:
    """The archived one of three threads is neither listed nor readable, but still a row; the others stay as they are.

    One of them has the archived one's title, and so may a new one. The archived one has a message. Of two whose ids
    begin alike, the one with the shorter id is archived alone, and is gone although it was renamed just before.
    """
    first = journey.threads.id_of(await journey.create(title=TITLE))  # the oldest: the newest stays as it is
    creating = partial(journey.create, title=TITLE), partial(journey.create, title=OTHER_TITLE)
    others = [*map(journey.threads.id_of, await journey.threads.door.pace.both(*creating))]
    if messages.writer is not None:
        for thread in (first, others[0]):
            await messages.plant(thread, [(0, f"a message of the thread {thread}", timedelta(minutes=5))])
    everything, both = partial(journey.threads.everything, journey.user), journey.threads.door.pace.both
    read, before = await both(partial(journey.read, first), everything)
    refuse_title(journey.item_of(first, before), TITLE, journey, "in the list before it is archived", AS_STORED)
    refuse_title(read, TITLE, journey, "by its id before it is archived", AS_STORED)
    await _archive(journey, first)
    items, answer = await both(everything, partial(journey.do, "read", first))
    if journey.item_of(first, items) is not None:
        raise CheckFailure(expected="an archived thread is not listed", actual=f"{first} is listed")
    journey.refuse_present(answer)
    if await seeder.kind_of_metadata(first) is None:
        raise CheckFailure(expected="an archived thread stays in the table, with deleted_at", actual="its row is gone")
    for other in others:
        _refuse_changed(journey.item_of(other, before), journey.item_of(other, items))
    newer = journey.threads.id_of(await journey.create(title=TITLE))
    refuse_title(await journey.listed(newer), TITLE, journey, "in the list after one of its title was archived")
    await _refuse_by_beginning(journey, plant)


def _refuse_changed(before: Item | None, after: Item | None) -> None:
    """Raise CheckFailure unless another thread is listed as it was before one was archived."""
    if after != before:
        expected = f"another thread as it was listed before one was archived: {before}"
        raise CheckFailure(expected=expected, actual=f"{after}", remedy=ARCHIVED_ALONE)


async def _archive(journey: Journey, thread_id: str) -> None:
    """Archive a thread. Raises CheckFailure unless it is done, and a browser's copy of the list is out of date."""
    kept = await journey.threads.ask(journey.user)
    await journey.done("archive", thread_id, "the thread is archived")
    await refuse_stale(journey, kept)


async def _refuse_by_beginning(journey: Journey, plant: Plant) -> None:
    """Raise CheckFailure if a thread is archived with one whose id it begins with."""
    (shorter,) = await plant(journey.user)
    (longer,) = await plant(journey.user, id_after=shorter, title=OTHER_TITLE)
    await journey.done("rename", shorter.id, "the thread has another title", json=journey.body(title=TITLE))
    await journey.done("archive", shorter.id, "the thread is archived")
    journey.refuse_present(await journey.do("read", shorter.id))
    where = "in the list after one was archived whose id it begins with"
    refuse_title(await journey.listed(longer.id), OTHER_TITLE, journey, where)
