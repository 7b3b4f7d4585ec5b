"""Statements by what they do to tables with rows in them: through the relay, on a real server."""

from collections.abc import Iterable

import asyncpg
import pytest

from commands.preflight.effects import judge
from commands.preflight.planting import Planted, plant
from commands.preflight.relay import Relay
from commands.preflight.scratch import read_scratch, watched
from probes.database.connection import Connection

SCHEMA = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE people (id serial PRIMARY KEY, email varchar(50) UNIQUE, nick text, mood mood, born date,
                     age integer NOT NULL DEFAULT 1, size integer, CONSTRAINT grown CHECK (age > 0));
CREATE TABLE notes (id uuid PRIMARY KEY, person integer REFERENCES people (id), body jsonb, at timestamptz);
CREATE INDEX notes_at ON notes (at);
CREATE INDEX people_nick ON people (nick);
CREATE VIEW elders AS SELECT id FROM people WHERE age > 90;
CREATE MATERIALIZED VIEW ages AS SELECT age, count(*) FROM people GROUP BY age;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch();
CREATE SEQUENCE numbers;
CREATE SCHEMA old;
CREATE TABLE part (id int NOT NULL, born date) ;
"""
DANGEROUS = {
    "ALTER TABLE people ADD COLUMN must text NOT NULL": "contains null values",
    "ALTER TABLE people ADD CONSTRAINT u UNIQUE (nick)": "builds an index",
    "ALTER TABLE notes ADD COLUMN n int; ALTER TABLE notes DROP CONSTRAINT notes_pkey": "drops the constraint",
    "ALTER TABLE part ADD PRIMARY KEY (id)": "builds an index",
    "ALTER TABLE people ADD COLUMN g text GENERATED ALWAYS AS (lower(nick)) STORED": "rewrites public.people",
    "ALTER TABLE people ADD COLUMN n bigserial": "rewrites public.people",
    "ALTER TABLE people ADD COLUMN n uuid DEFAULT gen_random_uuid()": "rewrites public.people",
    "ALTER TABLE people ALTER COLUMN size TYPE bigint": "rewrites public.people",
    "ALTER TABLE people ALTER COLUMN email TYPE varchar(20)": "rewrites public.people",
    "ALTER TABLE people ALTER COLUMN nick SET NOT NULL": "scans public.people",
    "ALTER TABLE people ADD CHECK (age < 200)": "validates every row",
    "ALTER TABLE notes ADD FOREIGN KEY (person) REFERENCES people (id)": "validates every row",
    "ALTER TABLE people ALTER COLUMN age DROP DEFAULT": "removes the default",
    "ALTER TABLE people SET UNLOGGED": "rewrites",
    "ALTER TABLE people RENAME COLUMN nick TO nickname": "renames public.people.nick",
    "ALTER TABLE people RENAME TO persons": "renames public.people",
    "ALTER TABLE people SET SCHEMA old": "renames public.people to old.people",
    "ALTER TABLE people DROP COLUMN nick": "drops the column nick",
    "ALTER TABLE people DROP CONSTRAINT grown": "drops the constraint grown",
    "ALTER TYPE mood RENAME VALUE 'bad' TO 'worse'": "renames the value",
    "ALTER FUNCTION f() RENAME TO g": "renames the function",
    "UPDATE people SET nick = lower(nick)": "updates every row",
    "UPDATE people SET nick = 'x' WHERE id > 0": "updates every row",
    "WITH w AS (UPDATE people SET age = 2 RETURNING id) SELECT count(*) FROM w": "updates every row",
    "DELETE FROM notes": "deletes every row",
    "TRUNCATE notes": "truncates public.notes",
    "DROP TABLE notes": "drops the table public.notes",
    "/* tidy */ -- at last\nDROP TABLE IF EXISTS notes CASCADE": "drops the table public.notes",
    "DROP TABLE IF EXISTS only_there_in_production": "drops the table only_there_in_production",
    "DROP VIEW elders": "drops the view",
    "DROP MATERIALIZED VIEW ages": "drops the materialized view",
    "DROP INDEX notes_at": "drops the index",
    "DROP FUNCTION f()": "drops the function public.f",
    "DROP TRIGGER touched ON people": "drops the trigger",
    "DROP SCHEMA old": "drops the schema old",
    "DROP SEQUENCE numbers": "drops the sequence",
    "CREATE INDEX i ON people (born)": "builds an index on public.people",
    "CREATE UNIQUE INDEX i ON people (nick)": "builds an index on public.people",
    "REINDEX TABLE people": "rebuilds people",
    "REFRESH MATERIALIZED VIEW ages": "rebuilds public.ages",
    "CLUSTER people USING people_pkey": "rewrites public.people",
    "LOCK TABLE people": "locks public.people",
    "LOCK TABLE people IN SHARE MODE": "locks public.people",
    "ALTER TABLE people ENABLE ROW LEVEL SECURITY": "hides the rows of public.people",
    "CREATE TEMP TABLE notes (id int); DROP TABLE public.notes": "drops the table public.notes",
    "DO $$ BEGIN DROP TABLE notes; END $$": "drops the table public.notes",
    "DO $$ BEGIN EXECUTE 'DROP ' || 'TABLE notes'; END $$": "drops the table public.notes",
    "DO $$ BEGIN EXECUTE 'LOCK TABLE people'; END $$": "holds AccessExclusiveLock on public.people",
    "DO $$ BEGIN UPDATE people SET age = 3; END $$": "updates every row",
    "SELECT 1; UPDATE people SET age = 2; DROP TABLE notes": "drops the table public.notes",
    "CREATE TABLE fresh (id int); ALTER TABLE people DROP COLUMN nick": "drops the column nick of public.people",
}
ONE_FINDING = {  # a statement says what it does, and it is seen: one finding for each object all the same
    "TRUNCATE notes": ["truncates public.notes: its rows are gone"],
    "TRUNCATE people CASCADE": [
        "truncates public.people: its rows are gone",
        "truncates public.notes: its rows are gone",
    ],
    "DROP INDEX notes_at": ["drops the index notes_at of public.notes"],
    "DROP FUNCTION f()": ["drops the function public.f"],
    "DROP TRIGGER touched ON people": ["drops the trigger touched of public.people"],
    "DROP TYPE mood CASCADE": [
        "drops the column mood of public.people: the running revision may still read it",
        "drops the type public.mood",
    ],
    "DROP TABLE notes": ["drops the table public.notes"],
    "REFRESH MATERIALIZED VIEW ages": ["rebuilds public.ages while it can't be read: use CONCURRENTLY"],
    "ALTER TABLE people SET SCHEMA old": [
        "renames public.people to old.people: the running revision does not know the new name"
    ],
}
HARMLESS = [
    "ALTER TABLE people ADD COLUMN x text",
    "ALTER TABLE people ADD COLUMN x integer DEFAULT 0 NOT NULL",
    "ALTER TABLE people ALTER COLUMN email TYPE varchar(100)",
    "ALTER TABLE people ALTER COLUMN email TYPE text",
    "ALTER TABLE people ALTER COLUMN nick SET DEFAULT 'x'",
    "ALTER TABLE people ALTER COLUMN age DROP NOT NULL",
    "ALTER TABLE people ADD CONSTRAINT c CHECK (age < 200) NOT VALID; ALTER TABLE people VALIDATE CONSTRAINT c",
    (
        "ALTER TABLE people ADD CONSTRAINT n CHECK (nick IS NOT NULL) NOT VALID; "
        "ALTER TABLE people VALIDATE CONSTRAINT n; ALTER TABLE people ALTER COLUMN nick SET NOT NULL"
    ),
    "ALTER TYPE mood ADD VALUE 'fair'",
    (
        "CREATE TABLE fresh (id int PRIMARY KEY, location text); CREATE INDEX ix_fresh_location ON fresh (location); "
        "ALTER TABLE fresh ALTER COLUMN location SET NOT NULL; UPDATE fresh SET location = ''; DROP TABLE fresh"
    ),
    "CREATE TABLE more (id int, person int REFERENCES people (id))",
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "CREATE TRIGGER again AFTER INSERT ON people FOR EACH ROW EXECUTE FUNCTION touch()",
    "INSERT INTO people (email) VALUES ('drop table people; update people set age = 1')",
    "UPDATE people SET age = 2 WHERE id = 1",
    "COMMENT ON TABLE people IS 'UPDATE people; DROP TABLE people'",
    "SELECT 'DROP TABLE people' -- DROP TABLE people",
    "LOCK TABLE people IN ROW EXCLUSIVE MODE",
    "CREATE TEMP TABLE people (id int); INSERT INTO people VALUES (1); DELETE FROM people; DROP TABLE people",
    "CREATE TABLE fresh (id int); CREATE INDEX fresh_id ON fresh (id); DROP INDEX fresh_id",
    "UPDATE notes SET body = jsonb_build_object('was', body) WHERE jsonb_typeof(body) <> 'object'",
]


def _relations(planted: Planted) -> Iterable[tuple[str, tuple[str, str, int | None]]]:
    return planted.baseline.snapshot.relations.items()


async def _observe(relay: Relay, port: int, scratch: str, watcher: Connection) -> tuple[Connection, Planted]:
    """A client through the relay, on tables with rows."""
    await watcher.execute(SCHEMA)
    planted = await plant(watcher)
    assert planted.empty == {}
    assert {name: planted.baseline.rows[oid] for oid, (name, kind, _) in _relations(planted) if kind == "r"} == {
        "public.people": 3,
        "public.notes": 6,  # they outnumber the rows whose body is not an object
        "public.part": 3,
    }
    relay.revision = "two"
    client = await asyncpg.connect(scratch.replace(f":{read_scratch(scratch).port}/", f":{port}/"))
    return client, planted


async def _risks(scratch: str, text: str) -> list[str]:
    async with watched(scratch, read_scratch(scratch)) as (watcher, relay, port):
        client, planted = await _observe(relay, port, scratch, watcher)
        errors = []
        try:
            async with client.transaction():
                await client.execute(text)
        except asyncpg.PostgresError as error:
            errors = [str(error)]
        finally:
            await client.close()
        return errors + [risk.why for one in relay.observed for risk in judge(one, planted.baseline)]


@pytest.mark.parametrize("text", DANGEROUS)
async def test_a_dangerous_statement_is_found(scratch: str, text: str) -> None:
    assert DANGEROUS[text] in " ".join(await _risks(scratch, text))


@pytest.mark.parametrize("text", ONE_FINDING)
async def test_what_is_said_and_seen_is_found_once(scratch: str, text: str) -> None:
    assert await _risks(scratch, text) == ONE_FINDING[text]


@pytest.mark.parametrize("text", HARMLESS)
async def test_a_harmless_statement_is_not(scratch: str, text: str) -> None:
    assert await _risks(scratch, text) == []


@pytest.mark.parametrize(
    "text,why",
    [
        pytest.param("CREATE INDEX CONCURRENTLY i ON people (born)", "", id="an index that blocks no one"),
        pytest.param("CREATE INDEX i ON people (born)", "builds an index", id="an index that blocks writers"),
        pytest.param("VACUUM FULL people", "rewrites public.people", id="VACUUM FULL"),
        pytest.param("REINDEX TABLE CONCURRENTLY people", "", id="a rebuild that blocks no one"),
        pytest.param("DROP TABLE notes", "drops the table", id="DROP TABLE"),
        pytest.param(
            "ALTER TABLE part SET UNLOGGED; ALTER TABLE people ALTER size TYPE bigint",
            "rewrites public.people",
            id="a rewrite beside one of another table",
        ),
    ],
)
async def test_outside_a_transaction_too(scratch: str, text: str, why: str) -> None:
    async with watched(scratch, read_scratch(scratch)) as (watcher, relay, port):
        client, planted = await _observe(relay, port, scratch, watcher)
        await client.execute(text)
        await client.close()
        whys = [risk.why for one in relay.observed for risk in judge(one, planted.baseline)]
    assert bool(whys) == bool(why)
    assert why in " ".join(whys)


async def test_an_index_dropped_aside_is_one_finding(scratch: str) -> None:
    async with watched(scratch, read_scratch(scratch)) as (watcher, relay, port):
        client, planted = await _observe(relay, port, scratch, watcher)
        await client.execute("DROP INDEX CONCURRENTLY notes_at")
        await client.close()
        whys = [risk.why for one in relay.observed for risk in judge(one, planted.baseline)]
    assert whys == ["drops the index notes_at of public.notes"]


async def test_prepared_statements_and_copy_pass_through_unharmed(scratch: str) -> None:
    async with watched(scratch, read_scratch(scratch)) as (watcher, relay, port):
        client, planted = await _observe(relay, port, scratch, watcher)
        async with client.transaction():
            assert await client.fetchval("SELECT count(*) FROM people WHERE age = $1", 1) is not None
            await client.copy_records_to_table("part", columns=["id"], records=[(i,) for i in range(10_000)])
            await client.executemany("UPDATE people SET nick = $2 WHERE id = $1", [(i, "n") for i in (1, 2, 3)])
            await client.fetch("DELETE FROM notes WHERE at > $1 RETURNING id", None)
        assert await client.fetchval("SELECT count(*) FROM part") == 10_003
        await client.close()
        whys = {risk.why.split(":")[0] for one in relay.observed for risk in judge(one, planted.baseline)}
    assert whys == {"updates every row of public.people"}
