"""What a user does with threads through the API: create, read, rename, archive, read messages."""

from fixtures.http_services import refuse_server_error, seen
from fixtures.journeys import METADATA, OTHER_TITLE, TITLE, Journey, refuse_metadata, refuse_title
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.database.seeding import Seeder


@check(
    "threads.create",
    requirement="a created thread is stored as sent, can be read by its id, and is in its owner's list once",
    needs="http write mint single",
    remedy="Commit before answering; return what was stored, not what was sent; see the server's traceback.",
)
async def test_a_created_thread_is_stored(journey: Journey, seeder: Seeder, stranger: User) -> None:
    """Two threads, one without a title, are returned, read back, listed once each, and in the table.

    The same goes for one whose metadata names another user, unless it is refused: only the token decides the owner.
    """
    before = {journey.threads.id_of(item) for item in await journey.threads.everything(journey.user)}
    for title in (TITLE, None):
        said = {"metadata": METADATA} | ({"title": title} if title else {})
        item = await journey.create(**said)
        thread_id = journey.threads.id_of(item)
        refuse_title(item, title, journey, "in the answer")
        if not await seeder.holds(thread_id):
            raise CheckFailure(expected=f"a row {thread_id} in the table", actual="no row: nothing was stored")
        await _refuse_other_list(journey, before)
        refuse_title(await journey.listed(thread_id), title, journey, "in the list")
    named = {journey.threads.contract.database.layout.owner_key: stranger.sub}
    answer = await journey.do("create", json=journey.body(title=OTHER_TITLE, metadata=named))
    refuse_server_error(answer, "a thread of the user's own, or a refusal")
    if answer.status in journey.threads.contract.threads.one.created:
        journey.keep(answer.json_object())
    await _refuse_other_list(journey, before)
    foreign = [item for item in await journey.threads.everything(stranger) if OTHER_TITLE in item.values()]
    if foreign:
        raise CheckFailure(
            expected="metadata that does not decide the owner", actual="the thread is in another user's list"
        )


async def _refuse_other_list(journey: Journey, before: set[str]) -> None:
    """Raise CheckFailure unless the list has its earlier items and those that the journey created, each once."""
    ids = [journey.threads.id_of(item) for item in await journey.threads.everything(journey.user)]
    missing, unknown = set(journey.made) - set(ids), set(ids) - set(journey.made) - before
    if missing or unknown or len(ids) != len(set(ids)):
        raise CheckFailure(
            expected=f"{len(journey.made)} created threads in their owner's list, each once",
            actual=f"{len(ids)} items: {len(missing)} missing, {len(unknown)} unexpected, immediately afterwards",
        )


@check(
    "threads.read",
    requirement="a thread can be read by its id, as it was written",
    needs="http write mint single",
    remedy="See the server's traceback: the list works without this route, but users need it.",
)
async def test_a_thread_is_read_by_its_id(journey: Journey) -> None:
    """A created thread is read back with its id, title and metadata."""
    thread_id = journey.threads.id_of(await journey.create(title=TITLE, metadata=METADATA))
    item = await journey.read(thread_id)
    refuse_title(item, TITLE, journey, "when it is read by its id")
    if journey.threads.id_of(item) != thread_id:
        raise CheckFailure(expected=f"the thread {thread_id}", actual=f"{journey.threads.id_of(item)}")
    refuse_metadata(item, journey)


@check(
    "threads.rename",
    requirement="a new title is stored and visible at once, by id and in the list; metadata never changes the owner",
    needs="http write mint single",
    remedy="Commit before answering, drop what was cached for this user, and take the owner only from the token.",
)
async def test_a_renamed_thread_is_renamed_everywhere(journey: Journey, stranger: User) -> None:
    """After each change the thread is read by its id and in the list; another owner in the metadata has no effect."""
    thread_id = journey.threads.id_of(await journey.create(title=TITLE, metadata=METADATA))
    refuse_title(await journey.listed(thread_id), TITLE, journey, "in the list before the change")
    layout = journey.threads.contract.database.layout
    for title in (OTHER_TITLE, TITLE):
        said = journey.body(title=title, metadata={layout.owner_key: stranger.sub})
        answer = await journey.do("rename", thread_id, json=said)
        refuse_server_error(answer, "the thread with its new title")
        if answer.status not in journey.threads.contract.threads.one.done:
            raise CheckFailure(
                expected="the thread with its new title (contract.threads.one.done)", actual=seen(answer)
            )
        refuse_title(await journey.read(thread_id), title, journey, "when it is read after the change")
        refuse_title(await journey.listed(thread_id), title, journey, "in the list after the change")
    if await journey.listed(thread_id, stranger) is not None:
        raise CheckFailure(
            expected="metadata that does not change the owner", actual="the thread is in another user's list"
        )


@check(
    "threads.archive",
    requirement="an archived thread disappears at once from the list and by its id, and no other thread does",
    needs="http write mint single",
    remedy="Set deleted_at in the transaction of the request, and filter by it wherever threads are read.",
)
async def test_an_archived_thread_is_gone(journey: Journey) -> None:
    """Of two threads, the archived one is no longer listed or readable; the other is unchanged."""
    first = journey.threads.id_of(await journey.create(title=TITLE))
    other = journey.threads.id_of(await journey.create(title=OTHER_TITLE))
    refuse_title(await journey.listed(first), TITLE, journey, "in the list before it is archived")
    answer = await journey.do("archive", first)
    rules = journey.threads.contract.threads.one
    refuse_server_error(answer, "the thread is archived")
    if answer.status not in rules.done:
        raise CheckFailure(expected="the thread is archived (contract.threads.one.done)", actual=seen(answer))
    if await journey.listed(first) is not None:
        raise CheckFailure(expected="an archived thread is not listed", actual=f"{first} is listed")
    answer = await journey.do("read", first)
    if answer.status not in rules.gone:
        raise CheckFailure(expected="an archived thread is gone (contract.threads.one.gone)", actual=seen(answer))
    refuse_title(await journey.listed(other), OTHER_TITLE, journey, "in the list after another was archived")


@check(
    "threads.messages",
    requirement="the owner can list the messages of a thread, and no other user can read them",
    needs="http write mint single",
    remedy="See the server's traceback; check the thread's owner before its messages are read.",
)
async def test_the_messages_of_a_thread_are_listed(journey: Journey, stranger: User) -> None:
    """A new thread has an empty list of messages; a stranger is refused."""
    thread_id = journey.threads.id_of(await journey.create(title=TITLE))
    answer = await journey.do("history", thread_id)
    refuse_server_error(answer, "a list of messages")
    rules = journey.threads.contract.threads.one
    messages = answer.json_object().get(rules.messages_field) if rules.messages_field else answer.json()
    if answer.status not in rules.done or messages != []:
        raise CheckFailure(expected="an empty list of messages of a new thread", actual=seen(answer))
    await journey.refuse("history", thread_id, TITLE, user=stranger)
