"""What a user does with threads through the API: create, read, rename."""

import json
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from fixtures.http_services import refuse_server_error, seen
from fixtures.journeys import (
    BROKEN_TITLE,
    LONG_TITLES,
    METADATA,
    ODD_METADATA,
    OTHER_TITLE,
    OWNERS_TITLE,
    TITLE,
    Journey,
    StartJourney,
    refuse_stale,
    refuse_title,
)
from fixtures.rows import Plant, Row
from fixtures.threads import AS_STORED, COMMIT_FIRST, Item
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.pool import UserPool
from probes.auth.tokens import User
from probes.database.seeding import Seeder
from probes.foreign.excerpt import excerpt

AGED = timedelta(days=2)  # no time of now can be taken for that of such a row
NEWEST_FIRST = "Set the time that the list is ordered by when a thread is stored: without it, a new one comes last."
ONLY_WHAT_WAS_SAID = (
    "Change the fields that were sent (exclude_unset), and updated_at; what a change leaves out stays as it is."
)
AS_OBJECT = "Hand the object itself to the json column: text that is encoded before is stored as a string in it."
AT_ONCE = 4  # new threads of each of two users
OWN_ID = (
    "Make a new thread's id yourself, and only insert it: an id from the client, or an upsert, takes others' threads."
)
TYPED = {"Content-Type": "Application/JSON;charset=UTF-8"}  # as many a client says it (RFC 9110, 8.3.1)
NO_SHARED_DEFAULT = (
    "Make a new object for each thread: a default that is shared keeps what an earlier user put into it."
)
EACH_ITS_OWN = "Give each new thread a random id; two of one title are two threads."
READ_ONLY = "Change nothing where a thread or its messages are read: no time of a visit in updated_at."
OWNER_FROM_TOKEN = "Take the owner only from the token: a body that names another user must not decide whose it is."


@check(
    "threads.create",
    requirement="a created thread is stored as sent, can be read by its id, and is in its owner's list once",
    needs="http write mint single",
    remedy=COMMIT_FIRST,
    looking='`curl -i -X POST -H "Authorization: Bearer $TOKEN" -d \'{"title": "x"}\' $BACKEND/api/threads`, '
    "then the list; the server's log lines",
)
@pytest.mark.beside
async def test_a_created_thread_is_stored(
    journey: Journey, start_journey: StartJourney, plant: Plant, seeder: Seeder, user_pool: UserPool, stranger: User
) -> None:
    """Two threads, one without a title, are returned, read back, listed once each, and in the table, value by value.

    Both come before one of another day. Several that are created at once, by two users and with one title, are as many
    threads, each its creator's. Those with a long title or odd metadata, and those whose body has another user's id,
    or that of their thread, are stored whole, unless they are refused, and then nothing is: only the token decides
    the owner.
    """
    (old,) = await plant(journey.user, age=AGED)
    before = {journey.threads.id_of(item) for item in await journey.threads.everything(journey.user)}
    for title in (TITLE, None):
        said, begun = {"metadata": METADATA} | ({"title": title} if title else {}), time.time()
        item = await journey.create(**said)
        thread_id, moments = journey.threads.id_of(item), (begun, time.time())
        journey.refuse_other_thread(item, title, METADATA, moments, "in the answer")
        await _refuse_unstored(thread_id, seeder)
        items = await _own_list(journey, before)
        listed = journey.item_of(thread_id, items)
        refuse_title(listed, title, journey, "in the list", AS_STORED)
        journey.refuse_other_thread(listed or {}, title, METADATA, moments, "in the list")
        _refuse_below(journey, items, thread_id, old)
    await _refuse_merged(journey, before, start_journey(stranger), user_pool)
    await _refuse_in_part(journey, before)
    (theirs,) = await plant(stranger, title=OWNERS_TITLE)
    await _refuse_other_owner(journey, before, stranger, theirs)


async def _refuse_unstored(thread_id: str, seeder: Seeder) -> None:
    """Raise CheckFailure unless there is a row of a thread, whose metadata is an object."""
    kind = await seeder.kind_of_metadata(thread_id)
    if kind is None:
        raise CheckFailure(expected=f"a row {thread_id} in the table", actual="no row: nothing was stored")
    if kind != "object":
        raise CheckFailure(
            expected="metadata that is stored as an object", actual=f"stored as {kind}", remedy=AS_OBJECT
        )


def _refuse_below(journey: Journey, items: list[Item], created: str, old: Row) -> None:
    """Raise CheckFailure unless a new thread has a newer time of those that the list is ordered by than an old one."""
    rules = journey.threads.contract.threads
    field = next((name for name, said in rules.times.items() if said == rules.order_by), "")
    now, then = ((journey.item_of(one, items) or {}).get(field) for one in (created, old.id))
    if isinstance(then, int) and not (isinstance(now, int) and now > then):
        raise CheckFailure(
            expected=f"{field} of a new thread after that of one that is {AGED.days} days old, {then}",
            actual=f"{now!r}",
            remedy=NEWEST_FIRST,
        )


async def _refuse_merged(journey: Journey, before: set[str], other: Journey, users: UserPool) -> None:
    """Raise CheckFailure unless several new threads of one title, of two users at once, are as many threads.

    None of them may name another user.
    """
    theirs = {other.threads.id_of(item) for item in await other.threads.everything(other.user)}
    asked = [partial(one.create, title=TITLE) for one in (journey, other) * AT_ONCE]
    items = await journey.threads.door.pace.together(asked)
    ids = [journey.threads.id_of(item) for item in items]
    for item, creator in zip(items, (journey, other) * AT_ONCE, strict=True):
        named = users.named_in(str(item), creator.user)
        if named:
            expected = f"a thread of {creator.user.sub} that names no other user"
            raise CheckFailure(expected=expected, actual=f"{', '.join(named)} in it", remedy=NO_SHARED_DEFAULT)
    if len(set(ids)) != len(ids):
        actual = f"{len(ids) - len(set(ids))} of {len(ids)} answers name the thread of another"
        raise CheckFailure(expected="each new thread with an id of its own", actual=actual, remedy=EACH_ITS_OWN)
    await _own_list(journey, before, EACH_ITS_OWN)
    await _own_list(other, theirs, EACH_ITS_OWN)


async def _refuse_in_part(journey: Journey, before: set[str]) -> None:
    """Raise CheckFailure unless what a service may not want, long or odd, is refused, or stored once, as it is.

    What it must want is sent as other clients send it.
    """
    typed = await journey.do("create", content=json.dumps(journey.body(title=TITLE)).encode(), headers=TYPED)
    journey.keep(journey.object_of(typed, journey.threads.contract.threads.one.created, f"a thread sent as {TYPED}"))
    drafts: list[dict[str, Any]] = [{"title": title} for title in (*LONG_TITLES, BROKEN_TITLE)]
    drafts += [{"title": TITLE, "metadata": dict(metadata)} for metadata in ODD_METADATA]
    asked = [partial(journey.do, "create", json=journey.body(**draft)) for draft in drafts]
    stored, rules = list[tuple[str, dict[str, Any]]](), journey.threads.contract.threads.one
    for draft, answer in zip(drafts, await journey.threads.door.pace.together(asked), strict=True):
        what = f"{excerpt(str(draft), 120)}, stored whole or refused"
        refuse_server_error(answer, what)
        if answer.status in rules.created:
            stored.append((journey.keep(answer.json_object()), draft))
        elif answer.status not in rules.refused:
            raise CheckFailure(expected=f"{what} (contract.threads.one.refused)", actual=seen(answer))
    items = await _own_list(journey, before, EACH_ITS_OWN)
    for thread_id, draft in stored:
        item = journey.item_of(thread_id, items)
        refuse_title(item, draft["title"], journey, "in the list", AS_STORED)
        journey.refuse_other_metadata(item or {}, draft.get("metadata", {}), "in the list", AS_STORED)


async def _refuse_other_owner(journey: Journey, before: set[str], stranger: User, theirs: Row) -> None:
    """Raise CheckFailure unless a thread whose body names another user is refused, or stored as its creator's.

    So is one whose body has the id of the other user's thread, which stays as it is.
    """
    named, rules = {journey.threads.contract.database.layout.owner_key: stranger.sub}, journey.threads.contract.threads
    body = journey.body(title=OTHER_TITLE)
    bodies = journey.body(title=OTHER_TITLE, metadata=named), {**body, **named}, {**body, rules.id_field: theirs.id}
    for answer in await journey.threads.door.pace.together(partial(journey.do, "create", json=one) for one in bodies):
        refuse_server_error(answer, "a thread of the user's own, or a refusal")
        if answer.status in rules.one.created:
            _keep_new(journey, answer.json_object(), theirs)
    lists = partial(_own_list, journey, before, OWNER_FROM_TOKEN), partial(journey.threads.everything, stranger)
    _, listed = await journey.threads.door.pace.both(*lists)
    kept = journey.item_of(theirs.id, listed)
    refuse_title(kept, OWNERS_TITLE, journey, "in its owner's list, after another user sent its id", OWN_ID)
    if any(OTHER_TITLE in item.values() for item in listed):
        raise CheckFailure(
            expected="a body that does not decide the owner",
            actual="the thread is in another user's list",
            remedy=OWNER_FROM_TOKEN,
        )


def _keep_new(journey: Journey, item: Item, theirs: Row) -> None:
    """Remember a created thread. Raises CheckFailure if it is the other user's, which is not ours to remove."""
    if journey.threads.id_of(item) == theirs.id:
        raise CheckFailure(
            expected="a new thread with an id of its own", actual=f"the id that was sent, {theirs.id}", remedy=OWN_ID
        )
    journey.keep(item)


async def _own_list(journey: Journey, before: set[str], remedy: str = "") -> list[Item]:
    """The list. Raises CheckFailure unless it has its earlier items and those that the journey created, each once."""
    items = await journey.threads.everything(journey.user)
    ids = [journey.threads.id_of(item) for item in items]
    missing, unknown = set(journey.made) - set(ids), set(ids) - set(journey.made) - before
    if missing or unknown or len(ids) != len(set(ids)):
        raise CheckFailure(
            expected=f"{len(journey.made)} created threads in their owner's list, each once",
            actual=f"{len(ids)} items: {len(missing)} missing, {len(unknown)} unexpected, immediately afterwards",
            remedy=remedy,
        )
    return items


@check(
    "threads.read",
    requirement="a thread can be read by its id, as it was written",
    needs="http write mint single",
    remedy="See the server's traceback: the list works without this route, but users need it.",
    looking="the case's `curl`; the server's log lines show the traceback",
)
@pytest.mark.beside
async def test_a_thread_is_read_by_its_id(journey: Journey, plant: Plant) -> None:
    """A created thread is read back with its id, title, metadata, owner and time of creation.

    Reading changes nothing: a thread of another day is listed as before.
    """
    begun = time.time()
    thread_id = journey.threads.id_of(await journey.create(title=TITLE, metadata=METADATA))
    moments = (begun, time.time())
    item = await journey.read(thread_id)
    if journey.threads.id_of(item) != thread_id:
        raise CheckFailure(expected=f"the thread {thread_id}", actual=f"{journey.threads.id_of(item)}")
    journey.refuse_other_thread(item, TITLE, METADATA, moments, "when it is read by its id")
    (old,) = await plant(journey.user, age=AGED)
    before = await journey.listed(old.id)
    for step in ("read", "history"):
        await journey.done(step, old.id, "the thread, or its messages")
    await _refuse_two_answers(journey, old.id)
    after = await journey.listed(old.id)
    if after != before:
        raise CheckFailure(expected=f"in the list as before it was read: {before}", actual=f"{after}", remedy=READ_ONLY)


@check(
    "threads.rename",
    requirement="a new title is stored and visible at once, by id and in the list; metadata never changes the owner",
    needs="http write mint single",
    remedy="Commit before answering, drop what was cached for this user, and take the owner only from the token.",
    looking="the title in the answer, by id and in the list, in the evidence; a cache in front of the list",
)
@pytest.mark.beside
async def test_a_renamed_thread_is_renamed_everywhere(journey: Journey, plant: Plant, stranger: User) -> None:
    """After each change the thread is read by its id and in the list; another owner in the metadata has no effect.

    Another thread of the same title keeps it. Of one of another day, nothing else changes than what was said, and the
    time of the change.
    """
    thread_id = journey.threads.id_of(await journey.create(title=TITLE, metadata=METADATA))
    refuse_title(await journey.listed(thread_id), TITLE, journey, "in the list before the change", AS_STORED)
    beside = journey.threads.id_of(await journey.create(title=TITLE))
    layout = journey.threads.contract.database.layout
    for title in (OTHER_TITLE, TITLE):
        kept = await journey.threads.ask(journey.user)
        await _change(journey, thread_id, title=title, metadata={layout.owner_key: stranger.sub, "topic": title})
        await refuse_stale(journey, kept)
        read, listed = await journey.read_and_listed(thread_id)
        for item, where in ((read, "by its id"), (listed, "in the list")):
            refuse_title(item, title, journey, f"{where} after the change")
            journey.refuse_other_metadata(item or {}, {"topic": title}, f"{where} after the change", AS_STORED)
        refuse_title(await journey.listed(beside), TITLE, journey, "in the list after another of its title was changed")
    await _change(journey, thread_id, title=TITLE)  # what changes nothing is done as well
    body = {**journey.body(title=TITLE), layout.owner_key: stranger.sub}
    refuse_server_error(await journey.do("rename", thread_id, json=body), "the thread, or a refusal")
    if await journey.listed(thread_id, stranger) is not None:
        raise CheckFailure(expected="a change that leaves the owner", actual="the thread is in another user's list")
    await _refuse_more_changed(journey, plant)


async def _change(journey: Journey, thread_id: str, **said: object) -> None:
    """Change a thread's title, metadata, or both. Raises CheckFailure unless it is done."""
    answer = await journey.done("rename", thread_id, "the thread with its new title", json=journey.body(**said))
    item = answer.json() if answer.body and "title" in said else None  # the answer may be empty, or only a word
    if isinstance(item, dict) and journey.threads.field_of("title") in item:
        refuse_title(item, str(said["title"]), journey, "in the answer to the change")


async def _refuse_more_changed(journey: Journey, plant: Plant) -> None:
    """Raise CheckFailure if a title alone changes the metadata or a wrong time, or metadata alone the title."""
    (row,) = await plant(journey.user, title=TITLE, metadata=dict(METADATA), age=AGED)
    before, rules, begun = await journey.listed(row.id), journey.threads.contract.threads, time.time()
    await _change(journey, row.id, title=OTHER_TITLE)
    moments = begun, time.time()
    item, where = await journey.listed(row.id), "in the list after its title was changed"
    refuse_title(item, OTHER_TITLE, journey, where)
    journey.refuse_other_metadata(item or {}, METADATA, where, ONLY_WHAT_WAS_SAID)
    for name, said in rules.times.items():
        was, now = ((one or {}).get(name) for one in (before, item))
        if now != was if said == "created_at" else now in {None, was}:
            expected = f"{name} {'as before' if said == 'created_at' else 'of the change'}, {where}"
            raise CheckFailure(expected=expected, actual=f"{was!r} before, {now!r} now", remedy=ONLY_WHAT_WAS_SAID)
        if said != "created_at":
            journey.refuse_other_time(item or {}, name, moments, where)
    await _refuse_two_answers(journey, row.id)
    if rules.one.partial:
        await _change(journey, row.id, metadata={"topic": OTHER_TITLE})
        where = "in the list after its metadata was changed"
        refuse_title(await journey.listed(row.id), OTHER_TITLE, journey, where, ONLY_WHAT_WAS_SAID)


async def _refuse_two_answers(journey: Journey, thread_id: str) -> None:
    """Raise CheckFailure unless a thread is the same by its id and in the list, as far as the contract compares."""
    read, listed = await journey.read_and_listed(thread_id)
    rules = journey.threads.contract.threads
    for name in (*rules.compare, *rules.times):
        by_id, in_list = read and read.get(name), listed and listed.get(name)
        if by_id != in_list:
            expected = f"{name} {in_list!r} by its id, as in the list"
            raise CheckFailure(expected=expected, actual=f"{by_id!r}", remedy=AS_STORED)
