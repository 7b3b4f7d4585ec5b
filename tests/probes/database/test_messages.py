"""Messages of our threads: written with the types that the table has, and taken away with whatever else is in them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from probes.database.connection import Connection
from probes.database.messages import MessageLayout, MessageWriter, find_messages
from probes.errors import SourceRefused
from tests.probes.database.conftest import DEADLINES, Database

LAYOUT = MessageLayout(
    table="messages", id="id", thread="thread_id", role="role", content="content", created_at="created_at", constants={}
)
SAID = (("user", 'l\'été & "snow" 雪', timedelta(hours=2)), ("assistant", "None", timedelta(hours=1)))


async def writer(database: Database, connection: Connection, **columns: str) -> MessageWriter:
    for column, kind in columns.items():
        await database.owner.execute(f"ALTER TABLE messages DROP COLUMN {column}")
        await database.owner.execute(f"ALTER TABLE messages ADD COLUMN {column} {kind}")
    await database.owner.execute("GRANT SELECT, INSERT, DELETE ON messages TO netra_verify")
    found = await find_messages(connection, LAYOUT, "20260107T000000Z-abcdef", DEADLINES)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "columns,content,moment",
    [
        ({}, "content", "extract(epoch FROM created_at)::bigint"),
        ({"content": "json NOT NULL", "created_at": "integer NOT NULL"}, "content #>> '{}'", "created_at"),
        ({"created_at": "timestamp"}, "content", "extract(epoch FROM created_at)::bigint"),
    ],
    ids=["text and times with a zone", "json and integers", "naive times"],
)
async def test_messages_are_written_as_the_columns_are(
    database: Database, connection: Connection, columns: dict[str, str], content: str, moment: str
) -> None:
    messages = await writer(database, connection, **columns)
    made = messages.reserve("nv-thread", SAID)
    await messages.insert(made)
    rows = await database.owner.fetch(
        f"SELECT id, thread_id AS thread, role, {content} AS content, {moment} AS created_at FROM messages ORDER BY id"  # noqa: S608 - the cases above
    )
    assert [dict(row) for row in rows] == [one.says for one in made]
    assert await messages.remove_of(["nv-thread"]) == len(SAID)


async def test_a_thread_s_messages_go_whoever_wrote_them(database: Database, connection: Connection) -> None:
    messages = await writer(database, connection)
    await database.owner.execute("INSERT INTO messages (id, thread_id, content) VALUES ('a', 't', ''), ('b', 'u', '')")
    assert await messages.remove_of(["t"]) == 1
    assert await database.owner.fetchval("SELECT string_agg(id, '') FROM messages") == "b"


async def test_a_column_that_is_not_there_is_named_with_its_key(database: Database, connection: Connection) -> None:
    await writer(database, connection)
    other = replace(LAYOUT, role="speaker")
    found = await find_messages(connection, other, "run", DEADLINES)
    assert found is not None
    with pytest.raises(SourceRefused, match=r"no column speaker \(contract\.database\.messages"):
        await found.insert(found.reserve("t", SAID))


async def test_without_a_table_there_is_no_writer(connection: Connection) -> None:
    assert await find_messages(connection, replace(LAYOUT, table=""), "run", DEADLINES) is None
    assert await find_messages(connection, replace(LAYOUT, table="letters"), "run", DEADLINES) is None


async def test_without_leave_the_refusal_names_the_contract_s_table(connection: Connection) -> None:
    found = await find_messages(connection, LAYOUT, "run", DEADLINES)
    assert found is not None
    with pytest.raises(SourceRefused, match=r"can't be written: .*permission denied.*contract\.database\.messages"):
        await found.insert(found.reserve("t", SAID))
