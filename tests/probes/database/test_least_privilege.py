"""With the grants of deploy/database/grants.sql the suite can do all that it does, and can't touch others' rows."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio

from probes.database.census import take_census
from probes.database.connection import Connection, TableShape, connect, find_table, read_heads
from probes.database.layout import Layout
from probes.database.made_for_us import made_for_us
from probes.database.messages import MessageLayout, find_messages
from probes.database.metadata_shapes import SHAPES, TEXT_SHAPES
from probes.database.poison import find_poisoned
from probes.database.privileges import Needed, more_than_needed
from probes.database.repair import plan_repair
from probes.database.residue import Trace, count_traces, remove_traces, seen_in_rows, take_turn
from probes.database.seeding import Row, RowSpec, Seeder
from probes.errors import SourceRefused
from probes.secret import Secret
from tests.probes.database.conftest import DEADLINES, Database
from tests.standing import ROOT
from twin.deployed.schema import create_all
from twin.postgres import Postgres

GRANTS = (ROOT / "deploy/database/grants.sql").read_text(encoding="utf-8")
USERS = Trace("users", "email", "%@netra-verify.invalid")
WRITTEN = frozenset({"threads", "messages"})
NEEDED = Needed(adds_to=WRITTEN, deletes_from=WRITTEN | {"users"})
MESSAGES = MessageLayout(
    table="messages", id="id", thread="thread_id", role="role", content="content", created_at="created_at", constants={}
)
OTHERS_MESSAGE = "INSERT INTO messages (id, thread_id, content{names}) VALUES ('m-1', $1, '\"theirs\"'{values})"
RUN = "20260107T000000Z-abcdef"
MADE = "INSERT INTO threads (id, object, created_at, metadata_) VALUES ($1, 'thread', {created}, $2::json)"


@pytest_asyncio.fixture(params=["as the report's fixes have it", "as create_all makes it"], loop_scope="session")
async def granted(request: pytest.FixtureRequest, database: Database) -> Database:
    """The database with nothing but the file's grants for our user; run twice, which has to change nothing."""
    deployed = request.param.startswith("as create_all")
    if deployed:
        await database.owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await database.owner.execute("GRANT USAGE ON SCHEMA public TO netra_verify")
        await create_all(database.owner)
    await database.owner.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM netra_verify")
    for _ in range(2):
        await database.owner.execute(GRANTS)
    return database


@pytest_asyncio.fixture(loop_scope="session")
async def ours(granted: Database) -> AsyncIterator[Connection]:
    async with connect(Secret(granted.url), "self-test", DEADLINES) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def shape(ours: Connection, granted: Database) -> TableShape:
    columns = await granted.owner.fetch("SELECT attname FROM pg_attribute WHERE attrelid = 'threads'::regclass")
    by_metadata = "user_id" not in {row["attname"] for row in columns}
    found = await find_table(ours, "threads", Layout(owner_in="metadata" if by_metadata else "either"))
    assert found is not None
    return found


async def made_by_the_service(granted: Database, shape: TableShape, name: str, metadata: str) -> None:
    created = "1700000000" if shape.columns["created_at"] == "integer" else "to_timestamp(1700000000)"
    await granted.owner.execute(MADE.format(created=created), name, metadata)


async def test_all_that_a_run_writes_and_reads_is_allowed(
    granted: Database, ours: Connection, shape: TableShape
) -> None:
    before = await granted.checksum()
    seeder = Seeder(ours, shape, RUN)
    shapes = [*SHAPES, *(TEXT_SHAPES if shape.columns["metadata_"] == "json" else [])]
    specs = [RowSpec(owner="nv-owner-001", shape=one) for one in shapes]
    rows = seeder.reserve(specs)
    await seeder.insert(rows, specs)
    assert await seeder.residue() == len(specs)
    assert (await take_census(ours, shape)).total == 50
    assert (await find_poisoned(ours, shape)).rows == 0
    assert (await plan_repair(ours, shape)).counts
    assert await seen_in_rows(ours, shape, ["nv-owner-001", "nv-owner-002"]) == {"nv-owner-001"}
    assert await take_turn(ours)
    assert await seeder.remove(rows[:1]) == 1
    assert await seeder.remove_run() == len(specs) - 1
    assert (await granted.ours(), await granted.checksum()) == (0, before)


async def test_what_the_service_made_for_our_users_is_found_and_taken_away(
    granted: Database, ours: Connection, shape: TableShape
) -> None:
    before = await granted.checksum()
    texts = ['{"title": "x", "user_id": "nv-owner-001"}']
    if shape.columns["metadata_"] == "json":
        texts.append('{"user_id": "nv-owner-001", "title": "\\u0000"}')
    for number, text in enumerate(texts):
        await made_by_the_service(granted, shape, f"thread-made-{number}", text)
    seeder = Seeder(ours, shape, RUN)
    found = await made_for_us(ours, shape, timedelta(hours=1))
    assert len(found) == len(texts)
    assert await seeder.remove([Row(found[0], "", "", {})]) == 1
    assert await seeder.remove_of("nv-owner-001") == len(texts) - 1
    assert await granted.checksum() == before


def message_layout(shape: TableShape) -> MessageLayout:
    """The table of messages as `create_all` makes it has one more column that must not be NULL."""
    by_create_all = shape.columns["created_at"] == "integer"
    return replace(MESSAGES, constants={"object": "thread.message"} if by_create_all else {})


async def others_message(granted: Database, shape: TableShape) -> None:
    """A message in another user's thread."""
    thread = await granted.owner.fetchval("SELECT id FROM threads WHERE id NOT LIKE 'nv-%' ORDER BY id LIMIT 1")
    names, values = ", object, created_at, role", ", 'thread.message', 1, 'user'"
    by_create_all = shape.columns["created_at"] == "integer"
    statement = OTHERS_MESSAGE.format(names=names if by_create_all else "", values=values if by_create_all else "")
    await granted.owner.execute(statement, thread)


async def test_messages_of_our_threads_are_written_and_removed_and_no_one_else_s_are_seen(
    granted: Database, ours: Connection, shape: TableShape
) -> None:
    await others_message(granted, shape)
    seeder, spec = Seeder(ours, shape, RUN), RowSpec(owner="nv-owner-001")
    (row,) = seeder.reserve([spec])
    await seeder.insert([row], [spec])
    writer = await find_messages(ours, message_layout(shape), RUN, DEADLINES)
    assert writer is not None
    messages = writer.reserve(row.id, [("user", "hello", timedelta(hours=2)), ("assistant", "hi", timedelta(hours=1))])
    await writer.insert(messages)
    assert await ours.fetchval("SELECT count(*) FROM messages") == len(messages)
    assert await writer.remove_of([row.id]) == len(messages)
    assert await ours.execute("DELETE FROM messages") == "DELETE 0"
    theirs = await granted.owner.fetchval("SELECT thread_id FROM messages")
    with pytest.raises(SourceRefused, match="row-level security"):
        await writer.insert(writer.reserve(theirs, [("user", "in another's thread", timedelta())]))
    assert await granted.owner.fetchval("SELECT count(*) FROM messages") == 1
    assert await seeder.remove([row]) == 1


async def test_heads_and_test_users_are_seen_where_the_tables_are(granted: Database, ours: Connection) -> None:
    if await granted.owner.fetchval("SELECT to_regclass('users')") is None:
        assert await read_heads(ours, "alembic_version")
        return
    await granted.owner.execute("INSERT INTO users (id, email) VALUES ('nv-a', 'nv-a@netra-verify.invalid')")
    assert await count_traces(ours, USERS) == 1
    assert await ours.fetchval("SELECT count(*) FROM users") == 1, "no other person's address is shown"
    assert await remove_traces(ours, USERS) == 1
    assert await ours.execute("DELETE FROM users") == "DELETE 0"
    assert await granted.owner.fetchval("SELECT count(*) FROM users") == 10


async def test_a_user_with_these_grants_has_nothing_that_is_not_needed(ours: Connection) -> None:
    assert await more_than_needed(ours, NEEDED) == []
    less = await more_than_needed(ours, Needed())
    assert {"may INSERT, DELETE threads", "may INSERT, DELETE messages"} <= set(less), (
        "a run that may not write needs neither"
    )


@pytest.mark.parametrize(
    "leave, said",
    [
        ("GRANT UPDATE ON threads TO netra_verify", "may UPDATE threads"),
        ("GRANT UPDATE, TRUNCATE ON messages TO netra_verify", "may UPDATE, TRUNCATE messages"),
        ("GRANT CREATE ON SCHEMA public TO netra_verify", "may create tables in public"),
        (
            "ALTER TABLE threads DISABLE ROW LEVEL SECURITY",
            "has no row-level policy that keeps it from other people's rows of threads",
        ),
        ("ALTER ROLE netra_verify BYPASSRLS", "is not bound by row-level policies (BYPASSRLS)"),
        ("ALTER ROLE netra_verify CREATEROLE CREATEDB", "may create roles"),
        ("ALTER ROLE netra_verify SUPERUSER", "is a superuser"),
        ("GRANT netra TO netra_verify", "messages, threads, "),
    ],
)
async def test_what_our_user_may_do_beyond_that_is_named(
    granted: Database, postgres: Postgres, leave: str, said: str
) -> None:
    admin = await asyncpg.connect(postgres.url("postgres", postgres.admin))
    try:
        await admin.execute(leave)
        async with connect(Secret(granted.url), "self-test", DEADLINES) as connection:
            found = await more_than_needed(connection, NEEDED)
    finally:
        await admin.execute("ALTER ROLE netra_verify NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB")
        await admin.execute("REVOKE netra FROM netra_verify")
        await admin.close()
    assert any(said in one for one in found), found


async def test_what_follows_from_a_superusers_power_is_not_listed(granted: Database, postgres: Postgres) -> None:
    admin = await asyncpg.connect(postgres.url("postgres", postgres.admin))
    try:
        await admin.execute("ALTER ROLE netra_verify SUPERUSER")
        async with connect(Secret(granted.url), "self-test", DEADLINES) as connection:
            found = await more_than_needed(connection, NEEDED)
    finally:
        await admin.execute("ALTER ROLE netra_verify NOSUPERUSER")
        await admin.close()
    assert len(found) == 1, found
    assert found[0].startswith("is a superuser")


async def test_other_peoples_rows_can_not_be_touched(granted: Database, ours: Connection, shape: TableShape) -> None:
    await made_by_the_service(granted, shape, "thread-near-1", '{"user_id": "xnv-owner-001"}')
    await made_by_the_service(granted, shape, "thread-near-2", '{"user_id": "a", "of": {"user_id": "nv-owner-001"}}')
    await made_by_the_service(granted, shape, "thread-near-3", '["user_id", "nv-owner-001"]')
    before = await granted.checksum()
    assert await ours.execute("DELETE FROM threads") == "DELETE 0"
    created = "1" if shape.columns["created_at"] == "integer" else "now()"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await ours.execute(f"INSERT INTO threads (id, object, created_at) VALUES ('theirs', 'thread', {created})")  # noqa: S608 - written above
    for refused in (
        "UPDATE threads SET object = 'x'", "TRUNCATE threads", "ALTER TABLE threads DISABLE ROW LEVEL SECURITY",
        "DROP POLICY netra_verify_deletes ON threads", "UPDATE messages SET id = 'x'", "TRUNCATE messages",
        "CREATE TABLE ours (id text)",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ours.execute(refused)
    assert await granted.checksum() == before


async def test_the_service_and_everybody_else_go_on_as_before(granted: Database, postgres: Postgres) -> None:
    """The tables' owner, and a role that is not: it may do what it was granted, on every row."""
    admin = await asyncpg.connect(postgres.url("postgres", postgres.admin))
    try:
        await admin.execute("CREATE ROLE somebody_else")
        await admin.execute("GRANT USAGE ON SCHEMA public TO somebody_else")
        await admin.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON threads TO somebody_else")
        await admin.execute("SET ROLE somebody_else")
        assert await admin.execute("UPDATE threads SET object = 'thread'") == "UPDATE 50"
        assert await admin.execute("DELETE FROM threads WHERE id LIKE '%1'") != "DELETE 0"
        assert await granted.owner.execute("DELETE FROM threads") != "DELETE 0"
    finally:
        await admin.execute("RESET ROLE; DROP OWNED BY somebody_else; DROP ROLE somebody_else")
        await admin.close()


@pytest.mark.parametrize(
    "migration",
    [
        "ALTER TABLE threads ALTER id TYPE text",
        "ALTER TABLE threads ALTER metadata_ TYPE jsonb USING metadata_::jsonb",
        "ALTER TABLE threads RENAME metadata_ TO metadata",
        "ALTER TABLE threads DROP COLUMN metadata_",
        "ALTER TABLE threads ADD COLUMN owner text",
        "DROP TABLE messages; DROP TABLE threads",
    ],
)
async def test_no_migration_of_the_service_is_refused_for_its_sake(granted: Database, migration: str) -> None:
    await granted.owner.execute("DROP INDEX IF EXISTS ix_threads_metadata_owner")  # the service's own, as it would
    await granted.owner.execute(migration)
