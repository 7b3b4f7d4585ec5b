"""The tables as `create_all` makes them: no alembic_version; owner, title and updated_at live in metadata."""

import json
import time
from typing import Any

from twin.seeding import PEOPLE, THREADS

TABLES = (
    """CREATE TABLE users (id varchar PRIMARY KEY, email varchar UNIQUE NOT NULL, full_name varchar,
        is_active boolean NOT NULL DEFAULT true, created_at timestamp NOT NULL DEFAULT now())""",
    """CREATE TABLE threads (id varchar PRIMARY KEY, object varchar NOT NULL, created_at integer NOT NULL,
        metadata_ json, deleted_at timestamp)""",
    """CREATE TABLE messages (id varchar PRIMARY KEY, object varchar NOT NULL, created_at integer NOT NULL,
        thread_id varchar NOT NULL REFERENCES threads (id), role varchar NOT NULL, content json NOT NULL,
        metadata_ json)""",
    "CREATE INDEX ix_messages_thread_id ON messages (thread_id)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON threads TO netra_verify",
    "GRANT SELECT ON messages TO netra_verify",
    "GRANT SELECT, DELETE ON users TO netra_verify",
)


async def create_all(connection: Any) -> None:  # noqa: ANN401 - an asyncpg connection, untyped at run time
    """Make the tables and fifty threads of ten people."""
    for statement in TABLES:
        await connection.execute(statement)
    now = int(time.time())
    people = [f"user-{person:02d}" for person in range(PEOPLE)]
    await connection.executemany(
        "INSERT INTO users (id, email) VALUES ($1, $2)", [(one, f"{one}@example.test") for one in people]
    )
    rows = [
        (
            f"thread_{one}_{number}",
            now - 86_400 * number,
            json.dumps({"user_id": one, "title": f"Thread {number}", "updated_at": now - 3600 * number}),
        )
        for one in people
        for number in range(THREADS)
    ]
    await connection.executemany(
        "INSERT INTO threads (id, object, created_at, metadata_) VALUES ($1, 'thread', $2, $3::json)", rows
    )
