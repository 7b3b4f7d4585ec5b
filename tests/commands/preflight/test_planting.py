"""The rows that preflight puts into tables: every kind of value that a column takes, as far as constraints let it."""

import asyncpg
import pytest

from commands.preflight.planting import Planted, plant

KINDS = "SELECT DISTINCT COALESCE(json_typeof(body::json), 'SQL NULL') FROM things"
EVERY_KIND = {"SQL NULL", "null", "number", "string", "array", "object"}


async def _plant(scratch: str, schema: str, query: str) -> tuple[Planted, set[object]]:
    connection = await asyncpg.connect(scratch)
    try:
        await connection.execute(schema)
        planted = await plant(connection)
        return planted, {row[0] for row in await connection.fetch(query)}
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "column,kinds",
    [
        pytest.param("jsonb", EVERY_KIND, id="jsonb"),
        pytest.param("json", EVERY_KIND, id="json"),
        pytest.param("document", EVERY_KIND, id="a domain"),
        pytest.param("jsonb NOT NULL", EVERY_KIND - {"SQL NULL"}, id="not null"),
        pytest.param("jsonb CHECK (jsonb_typeof(body) = 'object')", {"object", "SQL NULL"}, id="objects or NULL"),
        pytest.param("jsonb NOT NULL CHECK (jsonb_typeof(body) = 'array')", {"array"}, id="arrays only"),
    ],
)
async def test_a_json_column_gets_each_kind_that_it_takes(scratch: str, column: str, kinds: set[object]) -> None:
    schema = f"CREATE DOMAIN document AS jsonb; CREATE TABLE things (id serial, body {column})"
    planted, found = await _plant(scratch, schema, KINDS)
    assert found == kinds
    assert planted.empty == {}
    assert planted.odd == ["public.things.body"]


async def test_ordinary_rows_outnumber_the_odd_ones(scratch: str) -> None:
    schema = "CREATE TABLE things (id serial, body jsonb, more json, last jsonb)"
    planted, counts = await _plant(scratch, schema, "SELECT count(*) FROM things")
    (ordinary,) = planted.baseline.rows.values()
    (every,) = counts
    assert isinstance(every, int)
    assert every == ordinary + 15
    assert ordinary > 15


async def test_a_unique_column_with_few_values_takes_some_rows(scratch: str) -> None:
    planted, kinds = await _plant(scratch, "CREATE TABLE things (active boolean UNIQUE)", "SELECT active FROM things")
    assert (planted.empty, list(planted.baseline.rows.values()), kinds) == ({}, [2], {True, False})


async def test_rows_that_refer_to_fewer_rows_are_still_put_in(scratch: str) -> None:
    schema = "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int NOT NULL REFERENCES a, body jsonb)"
    planted, kinds = await _plant(scratch, schema, KINDS.replace("things", "b"))
    assert (planted.empty, kinds) == ({}, EVERY_KIND)


async def test_a_table_that_takes_no_row_is_named_with_the_reason(scratch: str) -> None:
    planted, _ = await _plant(scratch, "CREATE TABLE things (id int CHECK (id < 0))", "SELECT 1")
    assert "violates check constraint" in planted.empty["public.things"]
