"""Faults that one request does not show: users at once, lists to their end, and one request after the other."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.backend.seams import Seams
    from twin.backend.threads import Window

Row = dict[str, Any]
Find = Callable[["Seams", str, "Window"], Awaitable[list[Row]]]
REACH, ONE_IN_TWENTY = 100, 0.05
POLL_S, HELD_S, PATIENCE_S = 1.0, 0.03, 0.03
POOL = 2
STEP_S, FOR_EACH_S = 0.004, 0.12


def _finding(seams: "Seams", around: Callable[[Find], Find]) -> Undo:
    return replace(seams, find_threads=around(seams.find_threads))


@fault("threads.capped-at-100", place="backend", seen="a limit over the whole list, meant for a page")
def capped(seams: "Seams") -> Undo:
    """Nothing beyond the first hundred is ever listed."""

    def around(healthy: Find) -> Find:
        async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
            rows = await healthy(given, user, window)
            return rows[: max(0, REACH - window.offset)]

        return find

    return _finding(seams, around)


@fault("threads.filtered-after-limit", place="backend", seen="deleted rows dropped from the page, not from the query")
def filtered_after(seams: "Seams") -> Undo:
    """Deleted rows take places of the window, and are then left out."""
    repository = seams.repository
    back = replace(repository, statement=repository.statement.replace("deleted_at IS NULL", "TRUE"))

    def around(healthy: Find) -> Find:
        async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
            rows = await healthy(given, user, window)
            found = [await given.store.find(row["id"], user) for row in rows]
            return [row for row, one in zip(rows, found, strict=True) if one and one["deleted_at"] is None]

        return find

    undo = _finding(seams, around)

    def both() -> None:
        undo()
        back()

    return both


@fault(
    "threads.race-of-users", place="backend", seen="on the second implementation: 18 of 40 lists were another user's"
)
def race_of_users(seams: "Seams") -> Undo:
    """The user is kept in a module global while something is awaited."""
    current = [""]

    def around(healthy: Find) -> Find:
        async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
            current[0] = user
            await asyncio.sleep(0.005)
            return await healthy(given, current[0], window)

        return find

    return _finding(seams, around)


@fault("threads.race-of-one-in-twenty", place="backend", seen="the same, with a short moment between the two")
def race_of_one_in_twenty(seams: "Seams") -> Undo:
    """Of concurrent lists, one in twenty belongs to another of the users who ask."""
    under_way = Counter[str]()

    def around(healthy: Find) -> Find:
        async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
            under_way[user] += 1
            try:
                await asyncio.sleep(0.02)
                others = [one for one, count in under_way.items() if count and one != user]
                mixed_up = others and random.random() < ONE_IN_TWENTY  # noqa: S311 - no secret
                return await healthy(given, random.choice(others) if mixed_up else user, window)  # noqa: S311 - as above
            finally:
                under_way[user] -= 1

        return find

    return _finding(seams, around)


@asynccontextmanager
async def _polled(held: list[bool]) -> AsyncIterator[None]:
    while held[0]:  # noqa: ASYNC110 - that it polls is the fault
        await asyncio.sleep(POLL_S)
    held[0] = True
    try:
        yield
    finally:
        held[0] = False


@fault("threads.lock-around-everything", place="backend", seen="a lock in a table that is asked for every second")
def lock_around(seams: "Seams") -> Undo:
    """One list at a time; a request that has to wait looks again a second later."""
    held = [False]

    def around(healthy: Find) -> Find:
        async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
            async with _polled(held):
                return await healthy(given, user, window)

        return find

    return _finding(seams, around)


@fault("threads.backs-off-by-the-queue", place="backend", seen="a back-off that grows with how many are under way")
def backs_off(seams: "Seams") -> Undo:
    """A request waits a tenth of a second for each other one that is under way."""
    under_way = [0]

    def around(healthy: Find) -> Find:
        async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
            under_way[0] += 1
            try:
                await asyncio.sleep(FOR_EACH_S * (under_way[0] - 1))
                return await healthy(given, user, window)
            finally:
                under_way[0] -= 1

        return find

    return _finding(seams, around)


@fault("threads.pool-of-two", place="backend", seen="pool_size=2, max_overflow=0 and a short pool_timeout")
def pool_of_two(seams: "Seams") -> Undo:
    """Two connections for all requests; one that waits too long gets an error."""
    pool = asyncio.Semaphore(POOL)

    def around(healthy: Find) -> Find:
        async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
            try:
                await asyncio.wait_for(pool.acquire(), PATIENCE_S)
            except TimeoutError as error:
                raise RuntimeError("QueuePool limit of size 2 overflow 0 reached, connection timed out") from error
            try:
                await asyncio.sleep(HELD_S)
                return await healthy(given, user, window)
            finally:
                pool.release()

        return find

    return _finding(seams, around)


@fault("threads.each-page-slower", place="backend", seen="a list of a session's queries that each one walks through")
def each_page_slower(seams: "Seams") -> Undo:
    """Each list of a user who asks again and again takes four milliseconds longer than the one before."""
    last, asked = [""], [0]

    def around(healthy: Find) -> Find:
        async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
            asked[0] = asked[0] + 1 if last[0] == user else 0
            last[0] = user
            await asyncio.sleep(STEP_S * asked[0])
            return await healthy(given, user, window)

        return find

    return _finding(seams, around)


def _cached(name: str, seconds: float) -> None:
    def install(seams: "Seams") -> Undo:
        kept = dict[tuple[str, "Window"], tuple[float, list[Row]]]()

        def around(healthy: Find) -> Find:
            async def find(given: "Seams", user: str, window: "Window") -> list[Row]:
                until, rows = kept.get((user, window), (0.0, []))
                if until < time.monotonic():
                    rows = await healthy(given, user, window)
                    kept[user, window] = time.monotonic() + seconds, rows
                return rows

            return find

        return _finding(seams, around)

    fault(f"threads.list-cached-for-{name}", place="backend", seen="a cache by user, and no write that clears it")(
        install
    )


_cached("3-s", 3.0)
_cached("10-s", 10.0)
