"""The threads endpoint returns the right data: every shape of metadata, whole items, in order, nothing deleted."""

from datetime import timedelta
from typing import Any

import pytest

from fixtures.rows import SHAPES, Plant, Row, Shape
from fixtures.threads import Item, Threads
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User

FIX_3 = (
    "Fix 3 (ThreadRepository): read metadata as what it may be - NULL, JSON null, any JSON value - and log and raise."
)
FIELDS: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "object": (str,),
    "title": (str, type(None)),
    "user_id": (str,),
    "created_at": (int,),
    "updated_at": (int, type(None)),
    "metadata": (dict, type(None)),
    "message_count": (int,),
}


def find(items: list[Item], row: Row) -> Item:
    """The item of a row. Raises CheckFailure when the list lacks it: an empty list is no answer to an owner."""
    for item in items:
        if item.get("id") == row.id:
            return item
    raise CheckFailure(
        expected=f"the owner's thread {row.id} in the list",
        actual=f"a list of {len(items)} without it",
        evidence={"listed": [item.get("id") for item in items[:20]]},
    )


def same_json(one: object, other: object) -> bool:
    """Equality as JSON has it: `true` is not `1`."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


@check(
    "threads.lists-own",
    requirement="the owner's seeded thread is listed, with its data",
    needs="http write mint",
    remedy=FIX_3 + " An error must not become an empty list.",
)
async def test_the_owners_thread_is_listed(threads: Threads, plant: Plant, owner: User) -> None:
    """A thread that is in the table is in its owner's list, with the title and metadata it was written with."""
    (row,) = await plant(owner, metadata={"user_id": owner.sub, "topic": "first light"}, title="First light")
    item = find(await threads.page(owner), row)
    expected = {"title": "First light", "user_id": owner.sub, "metadata": row.metadata}
    actual = {name: item.get(name) for name in expected}
    if not same_json(actual, expected):
        raise CheckFailure(expected=f"the data as written: {expected}", actual=f"{actual}")


@check(
    "threads.metadata",
    requirement="whatever metadata holds, the answer is never 5xx and the owner's row is listed",
    needs="http write mint",
    remedy=FIX_3,
)
@pytest.mark.parametrize("shape", [pytest.param(shape, id=shape.id) for shape in SHAPES])
async def test_every_shape_of_metadata_is_listed(threads: Threads, plant: Plant, owner: User, shape: Shape) -> None:
    """A row with this shape of metadata is in its owner's list, beside a plain one; an object comes back whole."""
    (plain,) = await plant(owner)
    (row,) = await plant(owner, shape=shape)
    items = await threads.page(owner)
    find(items, plain)
    item = find(items, row)
    if not same_json(item.get("metadata"), row.answer):
        raise CheckFailure(
            expected=f"metadata {str(row.answer)[:200]}", actual=f"metadata {str(item.get('metadata'))[:200]}"
        )


@check(
    "threads.schema",
    requirement="every item fits the contract, ids are unique",
    needs="http write mint",
    remedy="Serialise through one response model; see the contract's list of fields.",
)
async def test_every_item_fits_the_contract(threads: Threads, plant: Plant, owner: User) -> None:
    """Each item has the contract's fields with their types, `object` is "thread", and no id comes twice."""
    rows = await plant(owner, count=3)
    rows += await plant(owner, shape="sql-null", title=None)
    items = await threads.everything(owner)
    for row in rows:
        find(items, row)
    problems = [problem for item in items for problem in misfits(item)]
    ids = [item.get("id") for item in items]
    problems += [f"id {one} comes {ids.count(one)} times" for one in dict.fromkeys(ids) if ids.count(one) > 1]
    if problems:
        raise CheckFailure(expected="items that fit the contract", actual="; ".join(problems[:10]))


def misfits(item: dict[str, Any]) -> list[str]:
    """What in an item does not fit the contract."""
    said = []
    for name, types in FIELDS.items():
        value = item.get(name, ...)
        if value is ...:
            said.append(f"{item.get('id')}: {name} is missing")
        elif not isinstance(value, types) or isinstance(value, bool):
            said.append(f"{item.get('id')}: {name} is {type(value).__name__} {str(value)[:40]!r}")
    if item.get("object") != "thread":
        said.append(f"{item.get('id')}: object is {item.get('object')!r}")
    count = item.get("message_count")
    if isinstance(count, int) and count < 0:
        said.append(f"{item.get('id')}: message_count is {count}")
    return said


@check(
    "threads.order",
    requirement="newest updated_at first, ties in a stable order",
    needs="http write mint",
    remedy="ORDER BY updated_at DESC with the id as tie-break.",
)
async def test_newest_comes_first_and_ties_are_stable(threads: Threads, plant: Plant, owner: User) -> None:
    """Rows planted in another order come newest first; rows of one instant come in the same order every time."""
    ages = [timedelta(minutes=m) for m in (5, 1, 3, 2, 4)]
    rows = [row for age in ages for row in await plant(owner, age=age)]
    await plant(owner, count=6, age=timedelta(minutes=10))
    first, second = await threads.everything(owner), await threads.everything(owner)
    expected = [row.id for _, row in sorted(zip(ages, rows, strict=True), key=lambda pair: pair[0])]
    actual = [item.get("id") for item in first[: len(rows)]]
    if actual != expected:
        raise CheckFailure(expected=f"newest first: {expected}", actual=f"{actual}")
    orders = [[item.get("id") for item in listing] for listing in (first, second)]
    if orders[0] != orders[1]:
        raise CheckFailure(expected=f"the same order again: {orders[0]}", actual=f"{orders[1]}")


@check(
    "threads.deleted",
    requirement="soft-deleted rows are hidden",
    needs="http write mint",
    remedy="Filter deleted_at IS NULL in the query, as Fix 3 does.",
)
async def test_soft_deleted_rows_are_hidden(threads: Threads, plant: Plant, owner: User) -> None:
    """Of a living and a soft-deleted thread only the living one is listed."""
    (living,) = await plant(owner)
    (deleted,) = await plant(owner, deleted=True)
    items = await threads.everything(owner)
    find(items, living)
    if any(item.get("id") == deleted.id for item in items):
        raise CheckFailure(expected="no soft-deleted thread", actual=f"{deleted.id} is listed")
