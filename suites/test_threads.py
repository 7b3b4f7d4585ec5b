"""The threads endpoint returns the right data: every shape of metadata, complete items, in order, nothing deleted."""

from datetime import timedelta

import pytest

from fixtures.reading import misfits, same_json
from fixtures.rows import SHAPES, TEXT_SHAPES, Plant, Row, Shape, Uproot
from fixtures.threads import AS_STORED, LIMIT, OFFSET, Item, Threads
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.foreign.excerpt import excerpt
from targets.contract.rest import ThreadRules

FIX_3 = "Fix 3 (ThreadRepository): expect any metadata - NULL, JSON null, any JSON value - and log and raise errors."
# Ages in seconds, in the order in which the rows are planted, and titles. Nothing but the ages gives the order by age:
# neither the rows' own order, nor the alphabet, nor the titles' lengths.
# The last hours, days and months of a year: dates that are compared as text come in another order.
IN_OTHER_ORDER = {
    120: "Émile",
    4: "budget",
    16: "a plan for May",
    8: "apples, pears",
    200_000: "7 things",
    12: "Zoo",
    25_000_000: "Quiz",
    50_000: "an end",
    5_000_000: "minutes",
    25_000: "books",
    700_000: "letters",
}
WHERE_TEXT_IS_KEPT = pytest.mark.also_needs("json")  # jsonb itself refuses such rows
Wanted = dict[str, object]


def find(threads: Threads, items: list[Item], row: Row) -> Item:
    """The item of a row. Raises CheckFailure if the list lacks it: an owner must not get an empty list."""
    for item in items:
        if threads.id_of(item) == row.id:
            return item
    raise CheckFailure(
        expected=f"the owner's thread {row.id} in the list",
        actual=f"a list of {len(items)} without it",
        evidence={"listed": [threads.id_of(item) for item in items[:20]]},
    )


def compared(rules: ThreadRules, row: Row, *only: str) -> Wanted:
    """What an item must say about a row: the fields in contract.threads.compare, or only those of one column."""
    return {
        field: row.says[source]
        for field, source in rules.compare.items()
        if source in row.says and (not only or source in only)
    }


@check(
    "threads.lists-own",
    requirement="the owner's seeded thread is listed, with its data",
    needs="http write mint",
    remedy=FIX_3 + " An error must not become an empty list.",
    looking="the answer, compared with the seeded row; the server's log lines for that request",
)
@pytest.mark.beside
async def test_the_owners_thread_is_listed(threads: Threads, plant: Plant, owner: User) -> None:
    """A thread in the table is in its owner's list, with the title and metadata that were written."""
    (row,) = await plant(owner, metadata={"topic": "first light"}, title="First light")
    item = find(threads, await threads.page(owner), row)
    refuse_other(item, compared(threads.contract.threads, row))


def refuse_other(item: Item, expected: Wanted) -> None:
    """Raise CheckFailure if an item differs from what was written."""
    actual = {name: item.get(name) for name in expected}
    if not same_json(actual, expected):
        raise CheckFailure(
            expected=f"the data as written (contract.threads.compare): {excerpt(str(expected), 300)}",
            actual=excerpt(str(actual), 300),
            remedy=AS_STORED,
        )


@check(
    "threads.metadata",
    requirement="whatever the metadata is, the answer is never 5xx and the owner's row is listed",
    needs="http write mint",
    remedy=FIX_3,
    looking="the case's name is the shape; the server's log lines show the traceback. `make verify-local "
    "FAULT=threads.none-for-dict` shows one",
)
@pytest.mark.beside(spoils=True)
@pytest.mark.parametrize(
    "shape",
    [
        *(pytest.param(shape, id=shape.id) for shape in SHAPES),
        *(pytest.param(shape, id=shape.id, marks=WHERE_TEXT_IS_KEPT) for shape in TEXT_SHAPES),
    ],
)
async def test_every_shape_of_metadata_is_listed(
    threads: Threads, plant: Plant, uproot: Uproot, owner: User, shape: Shape
) -> None:
    """A row with this shape of metadata is in its owner's list, next to a plain one; an object comes back complete.

    Only what was written is expected back: a row without an owner is in no list, and does not affect other rows.
    """
    (plain,) = await plant(owner)
    (row,) = await plant(owner, shape=shape)
    try:
        items = await threads.page(owner)
    finally:
        await uproot([row])  # at once: one unreadable row may break everybody's list
    find(threads, items, plain)
    if not row.owned:
        return  # if only metadata has the owner, this shape has none, and no list has to contain it
    refuse_other(find(threads, items, row), compared(threads.contract.threads, row, "metadata"))


@check(
    "threads.schema",
    requirement="the list is sent as JSON, every item matches the contract, and ids are unique",
    needs="http write mint",
    remedy="Serialise with one response model, and send it as application/json; see the contract's list of fields.",
    looking="the item and the field in the evidence; the answer's `Content-Type`",
)
@pytest.mark.beside
async def test_every_item_fits_the_contract(threads: Threads, plant: Plant, owner: User) -> None:
    """The list's content type is JSON, each item matches the contract's JSON Schema, and no id occurs twice."""
    rows = await plant(owner, count=3)
    rows += await plant(owner, shape="sql-null", title=None)
    items = await threads.everything(owner)
    for row in rows:
        if row.owned:
            find(threads, items, row)
    schema = threads.contract.threads.item
    problems = [f"{threads.id_of(item)}: {problem}" for item in items for problem in misfits(item, schema)]
    ids = [threads.id_of(item) for item in items]
    problems += [f"id {one} occurs {ids.count(one)} times" for one in dict.fromkeys(ids) if ids.count(one) > 1]
    answer = await threads.ask(owner)
    if not answer.is_called_json:
        problems.insert(0, f"the list is sent as {excerpt(answer.media_type, 80) or 'nothing in particular'}")
    if problems:
        expected = "application/json, with items that match contract.threads.item"
        raise CheckFailure(expected=expected, actual="; ".join(problems[:10]))


@check(
    "threads.order",
    requirement="threads are listed newest first (by the contract's order), ties in a stable order",
    needs="http write mint",
    remedy="ORDER BY updated_at DESC with the id as tie-break.",
    looking="the ids and times in the evidence, in the order in which they came",
)
@pytest.mark.beside
async def test_newest_comes_first_and_ties_are_stable(threads: Threads, plant: Plant, owner: User) -> None:
    """Rows seeded in another order are listed newest first; rows with equal times keep the same order every time.

    Some are of the same minute, others of other days and months; by title they would come in another order. Those with
    equal times keep their order also when the table holds them in another one: windows partition a list only if nothing
    else decides.
    """
    ages = [timedelta(seconds=s) for s in IN_OTHER_ORDER]
    rows = [
        row
        for age, title in zip(ages, IN_OTHER_ORDER.values(), strict=True)
        for row in await plant(owner, age=age, other_age=timedelta(days=400) - age, title=title)
    ]
    ties = await plant(owner, count=6, age=timedelta(days=500))
    first = await threads.everything(owner)
    await plant.again(ties)
    second = await threads.everything(owner)
    rules = threads.contract.threads
    newest_first = [row.id for _, row in sorted(zip(ages, rows, strict=True), key=lambda pair: pair[0])]
    expected = newest_first if rules.descending else newest_first[::-1]
    listed = first[: len(rows)] if rules.descending else first[-len(rows) :]
    actual = [threads.id_of(item) for item in listed]
    if actual != expected:
        order = f"{rules.order_by}, {'newest' if rules.descending else 'oldest'} first (contract.threads.order_by)"
        raise CheckFailure(expected=f"by {order}: {expected}", actual=f"{actual}")
    orders = [[threads.id_of(item) for item in listing] for listing in (first, second)]
    if orders[0] != orders[1]:
        raise CheckFailure(expected=f"the same order again: {orders[0]}", actual=f"{orders[1]}")
    await _refuse_other_windows(threads, owner, orders[1])


async def _refuse_other_windows(threads: Threads, owner: User, whole: list[str]) -> None:
    """Raise CheckFailure unless small and later windows have the order of the whole list."""
    for offset, size in ((2, len(whole) // 3), (0, 2)):
        window = [threads.id_of(item) for item in await threads.page(owner, {LIMIT: size, OFFSET: offset})]
        if window != whole[offset : offset + size]:
            wanted = f"{size} from {offset} on in the order of the whole list, {whole}"
            raise CheckFailure(expected=wanted, actual=f"{window}")


@check(
    "threads.deleted",
    requirement="soft-deleted rows are hidden",
    needs="http write mint",
    remedy="Filter deleted_at IS NULL in the query, as Fix 3 does.",
    looking="the listed id in the evidence; its `deleted_at` in the table",
)
@pytest.mark.beside
async def test_soft_deleted_rows_are_hidden(threads: Threads, plant: Plant, owner: User) -> None:
    """Of a live and a soft-deleted thread, only the live one is listed."""
    (living,) = await plant(owner)
    (deleted,) = await plant(owner, deleted=True)
    items = await threads.everything(owner)
    find(threads, items, living)
    if any(threads.id_of(item) == deleted.id for item in items):
        raise CheckFailure(expected="no soft-deleted thread", actual=f"{deleted.id} is listed")
