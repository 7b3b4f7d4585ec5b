"""One schema for two revisions: until all traffic has moved, the old code runs on the migrated schema."""

from collections.abc import Awaitable, Callable

import pytest

from fixtures.both_revisions import Revisions, Side, said_by
from fixtures.http_services import refuse_server_error, seen
from fixtures.journeys import METADATA, OTHER_TITLE, TITLE, Journey, refuse_title
from fixtures.rows import Plant
from fixtures.threads import Threads
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from gate.run import Run
from probes.auth.tokens import User

EXPAND_FIRST = (
    "Expand, then contract: bring back what the serving revision still reads or writes (alembic downgrade, or a "
    "migration that adds it), and take it away in the release after the one that no longer uses it."
)
MOST_READ = 3


@check(
    "migrations.old-code-reads",
    requirement="the serving revision still reads everything, on the schema that the candidate's migrations left",
    phase="candidate",
    needs="http run token alone",
    remedy=EXPAND_FIRST,
    looking="the log of the serving revision, which the finding names: UndefinedColumn, UndefinedTable; "
    "`alembic upgrade … --sql` of what is new: DROP, RENAME, ALTER … TYPE",
)
async def test_the_serving_revision_still_reads(
    revisions: Revisions,
    serving_threads: Threads,
    owner: User,
    plant_where_allowed: Plant | None,
    run: Run,
    recorder: Recorder,
) -> None:
    """Its list is 200, each of some threads is read by its id with its messages, and its health answers no 5xx."""
    if plant_where_allowed is not None:
        await plant_where_allowed(owner, count=2)
    with said_by(revisions.serving):
        items = await serving_threads.page(owner)
        read = items[:MOST_READ] if "single" in run.plan.offers else []
        for item in read:
            await _refuse_unread(Journey(serving_threads, owner), serving_threads.id_of(item))
        paths = serving_threads.contract.paths
        detailed = paths.health if "health" in run.plan.offers else ""
        for path in dict.fromkeys(filter(None, (paths.liveness, paths.readiness, detailed))):
            refuse_server_error(await serving_threads.door.get(path), f"{path} without a server error")
    recorder.figures(rule="threads read through the serving revision", n=len(items), value=len(read))


async def _refuse_unread(journey: Journey, thread_id: str) -> None:
    await journey.read(thread_id)
    if journey.threads.contract.threads.one.history:
        answer = await journey.do("history", thread_id)
        if answer.status not in journey.threads.contract.threads.one.done:
            raise CheckFailure(expected="the thread's messages (contract.threads.one.done)", actual=seen(answer))


async def _alone(serving: Side, _candidate: Side) -> None:
    await _handed_over(serving, serving)


async def _from_candidate(serving: Side, candidate: Side) -> None:
    await _handed_over(candidate, serving)


async def _from_serving(serving: Side, candidate: Side) -> None:
    await _handed_over(serving, candidate)


async def _handed_over(first: Side, then: Side) -> None:
    """One revision creates a thread; the other reads, renames and archives it; the first sees each of these."""
    with said_by(first.revision):
        thread_id = first.journey.threads.id_of(await first.journey.create(title=TITLE, metadata=METADATA))
    with said_by(f"{then.revision}, of what {first.revision} wrote"):
        item = await then.journey.read(thread_id)
        refuse_title(item, TITLE, then.journey, "when it is read by its id")
        refuse_title(await then.journey.listed(thread_id), TITLE, then.journey, "in the list")
        then.journey.refuse_other_metadata(item, METADATA, "when it is read by its id")
        await _change(then.journey, thread_id)
    with said_by(f"{first.revision}, of what {then.revision} changed"):
        refuse_title(
            await first.journey.read(thread_id), OTHER_TITLE, first.journey, "when it is read after the change"
        )
    with said_by(f"{then.revision}, of what {first.revision} wrote"):
        archived = await then.journey.do("archive", thread_id)
        if archived.status not in then.journey.threads.contract.threads.one.done:
            raise CheckFailure(expected="the thread is archived (contract.threads.one.done)", actual=seen(archived))
    with said_by(f"{first.revision}, of what {then.revision} archived"):
        if await first.journey.listed(thread_id) is not None:
            raise CheckFailure(expected="an archived thread is not listed", actual=f"{thread_id} is listed")


async def _change(journey: Journey, thread_id: str) -> None:
    answer = await journey.do("rename", thread_id, json=journey.body(title=OTHER_TITLE))
    refuse_server_error(answer, "the thread with its new title")
    if answer.status not in journey.threads.contract.threads.one.done:
        raise CheckFailure(expected="the thread with its new title (contract.threads.one.done)", actual=seen(answer))


WAYS: dict[str, Callable[[Side, Side], Awaitable[None]]] = {
    "serving alone": _alone, "candidate, then serving": _from_candidate, "serving, then candidate": _from_serving,
}  # fmt: skip


@check(
    "migrations.both",
    requirement="both revisions write to one schema, and each reads, changes and archives what the other wrote",
    phase="candidate",
    needs="http run write mint single alone",
    remedy=EXPAND_FIRST,
    looking="the finding names who wrote and who could not read; "
    "`make preflight ALEMBIC=folder SINCE=revision`, with the head of the serving image, "
    "lists what the new migrations drop and rename",
)
@pytest.mark.parametrize("way", [pytest.param(way, id=name) for name, way in WAYS.items()])
async def test_both_revisions_write_to_one_schema(
    of_both: tuple[Side, Side], way: Callable[[Side, Side], Awaitable[None]]
) -> None:
    """A thread goes from one revision to the other and back: no error, and nothing of it is lost."""
    await way(*of_both)
