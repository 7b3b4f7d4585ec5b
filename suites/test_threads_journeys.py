"""What a user does with threads through the API: create, read, rename, archive."""

import time
from datetime import timedelta
from functools import partial
from http import HTTPStatus

import pytest

from fixtures.http_services import refuse_server_error, seen
from fixtures.journeys import LONG_TITLES, METADATA, OTHER_TITLE, TITLE, Journey, StartJourney, refuse_title
from fixtures.messages import Messages
from fixtures.rows import Plant, Row
from fixtures.threads import AS_STORED, COMMIT_FIRST, Item
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.database.seeding import Seeder
from probes.http.client import Answer

AGED = timedelta(days=2)  # no time of now can be taken for that of such a row
NEWEST_FIRST = "Set the time that the list is ordered by when a thread is stored: without it, a new one comes last."
ONLY_WHAT_WAS_SAID = (
    "Change the fields that were sent (exclude_unset), and updated_at; what a change leaves out stays as it is."
)
AS_OBJECT = "Hand the object itself to the json column: text that is encoded before is stored as a string in it."
AT_ONCE = 4  # new threads of each of two users
EACH_ITS_OWN = "Give each new thread a random id; two of one title are two threads."
READ_ONLY = "Change nothing where a thread or its messages are read: no time of a visit in updated_at."
VALIDATORS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}  # RFC 9110, 8.8 and 13.1
WHOLE_VALIDATORS = "Let the list's ETag change with every change: a time in whole seconds says too little."
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
    journey: Journey, start_journey: StartJourney, plant: Plant, seeder: Seeder, stranger: User
) -> None:
    """Two threads, one without a title, are returned, read back, listed once each, and in the table, value by value.

    Both come before one of another day. Several that are created at once, by two users and with one title, are as many
    threads, each its creator's. Those with a long title, and one whose metadata names another user, are stored as well,
    unless they are refused, and then nothing is: no title is cut, and only the token decides the owner.
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
    await _refuse_merged(journey, before, start_journey(stranger))
    for title in LONG_TITLES:
        await _refuse_cut(journey, title)
    await _refuse_other_owner(journey, before, stranger)


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


async def _refuse_merged(journey: Journey, before: set[str], other: Journey) -> None:
    """Raise CheckFailure unless several new threads of one title, of two users at once, are as many threads."""
    theirs = {other.threads.id_of(item) for item in await other.threads.everything(other.user)}
    asked = [partial(one.create, title=TITLE) for one in (journey, other) * AT_ONCE]
    items = await journey.threads.door.pace.together(asked)
    ids = [journey.threads.id_of(item) for item in items]
    if len(set(ids)) != len(ids):
        actual = f"{len(ids) - len(set(ids))} of {len(ids)} answers name the thread of another"
        raise CheckFailure(expected="each new thread with an id of its own", actual=actual, remedy=EACH_ITS_OWN)
    await _own_list(journey, before, EACH_ITS_OWN)
    await _own_list(other, theirs, EACH_ITS_OWN)


async def _refuse_cut(journey: Journey, title: str) -> None:
    """Raise CheckFailure unless a title that is longer than many columns is refused, or stored whole."""
    answer = await journey.do("create", json=journey.body(title=title))
    rules, what = journey.threads.contract.threads.one, f"a title of {len(title)} characters, stored or refused"
    refuse_server_error(answer, what)
    if answer.status in rules.created:
        thread_id = journey.keep(answer.json_object())
        refuse_title(await journey.listed(thread_id), title, journey, "in the list", AS_STORED)
    elif answer.status not in rules.refused:
        raise CheckFailure(expected=f"{what} (contract.threads.one.refused)", actual=seen(answer))


async def _refuse_other_owner(journey: Journey, before: set[str], stranger: User) -> None:
    """Raise CheckFailure unless a thread whose body names another user is refused, or stored as its creator's."""
    named = {journey.threads.contract.database.layout.owner_key: stranger.sub}
    bodies = journey.body(title=OTHER_TITLE, metadata=named), {**journey.body(title=OTHER_TITLE), **named}
    for answer in await journey.threads.door.pace.together(partial(journey.do, "create", json=one) for one in bodies):
        refuse_server_error(answer, "a thread of the user's own, or a refusal")
        if answer.status in journey.threads.contract.threads.one.created:
            journey.keep(answer.json_object())
    lists = partial(_own_list, journey, before, OWNER_FROM_TOKEN), partial(journey.threads.everything, stranger)
    _, theirs = await journey.threads.door.pace.both(*lists)
    if any(OTHER_TITLE in item.values() for item in theirs):
        raise CheckFailure(
            expected="a body that does not decide the owner",
            actual="the thread is in another user's list",
            remedy=OWNER_FROM_TOKEN,
        )


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

    Of a thread of another day, nothing else changes than what was said, and the time of the change.
    """
    thread_id = journey.threads.id_of(await journey.create(title=TITLE, metadata=METADATA))
    refuse_title(await journey.listed(thread_id), TITLE, journey, "in the list before the change", AS_STORED)
    layout = journey.threads.contract.database.layout
    for title in (OTHER_TITLE, TITLE):
        kept = await journey.threads.ask(journey.user)
        await _change(journey, thread_id, title=title, metadata={layout.owner_key: stranger.sub, "topic": title})
        await _refuse_stale(journey, kept)
        read, listed = await journey.read_and_listed(thread_id)
        for item, where in ((read, "by its id"), (listed, "in the list")):
            refuse_title(item, title, journey, f"{where} after the change")
            journey.refuse_other_metadata(item or {}, {"topic": title}, f"{where} after the change", AS_STORED)
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


async def _refuse_stale(journey: Journey, kept: Answer) -> None:
    """Raise CheckFailure if a browser that kept the list from before a change is answered that it has not changed."""
    shown = {asks: kept.headers[name] for name, asks in VALIDATORS.items() if name in kept.headers}
    if shown:
        again = await journey.threads.ask(journey.user, headers=shown)
        if again.status == HTTPStatus.NOT_MODIFIED:
            raise CheckFailure(
                expected=f"the changed list, asked for with {shown}", actual=seen(again), remedy=WHOLE_VALIDATORS
            )


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
    if rules.one.partial:
        await _change(journey, row.id, metadata={"topic": OTHER_TITLE})
        where = "in the list after its metadata was changed"
        refuse_title(await journey.listed(row.id), OTHER_TITLE, journey, where, ONLY_WHAT_WAS_SAID)


@check(
    "threads.archive",
    requirement="an archived thread disappears at once from the list and by its id, and no other thread does",
    needs="http write mint single",
    remedy="Set deleted_at in the transaction of the request, and filter by it wherever threads are read.",
    looking="`deleted_at` of the row; the filter of the list and of the route by id",
)
@pytest.mark.beside
async def test_an_archived_thread_is_gone(journey: Journey, plant: Plant, messages: Messages, seeder: Seeder) -> None:
    """Of three threads, the archived one is no longer listed or readable, but still a row; the others are unchanged.

    One of them has the archived one's title, and so may a new one. The archived one has a message. Of two whose ids
    begin alike, the one with the shorter id is archived alone.
    """
    titles = (TITLE, TITLE, OTHER_TITLE)
    made = await journey.threads.door.pace.together(partial(journey.create, title=title) for title in titles)
    first, *others = map(journey.threads.id_of, made)
    if messages.writer is not None:
        await messages.plant(first, [(0, "said before it was archived", timedelta(minutes=5))])
    read, listed = await journey.read_and_listed(first)
    refuse_title(listed, TITLE, journey, "in the list before it is archived", AS_STORED)
    refuse_title(read, TITLE, journey, "by its id before it is archived", AS_STORED)
    await journey.done("archive", first, "the thread is archived")
    asked = partial(journey.threads.everything, journey.user), partial(journey.do, "read", first)
    items, answer = await journey.threads.door.pace.both(*asked)
    if journey.item_of(first, items) is not None:
        raise CheckFailure(expected="an archived thread is not listed", actual=f"{first} is listed")
    journey.refuse_present(answer)
    if await seeder.kind_of_metadata(first) is None:
        raise CheckFailure(expected="an archived thread stays in the table, with deleted_at", actual="its row is gone")
    for other, title in zip(others, titles[1:], strict=True):
        refuse_title(journey.item_of(other, items), title, journey, "in the list after another was archived")
    newer = journey.threads.id_of(await journey.create(title=TITLE))
    refuse_title(await journey.listed(newer), TITLE, journey, "in the list after one of its title was archived")
    (shorter,) = await plant(journey.user)
    (longer,) = await plant(journey.user, id_after=shorter, title=OTHER_TITLE)
    await journey.done("archive", shorter.id, "the thread is archived")
    where = "in the list after one was archived whose id it begins with"
    refuse_title(await journey.listed(longer.id), OTHER_TITLE, journey, where)
