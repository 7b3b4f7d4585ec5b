"""Other people's threads, so that the table is not empty: valid metadata, one owner each."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

PEOPLE, THREADS = 10, 5


async def seed_other_people(connection: Any) -> None:  # noqa: ANN401 - an asyncpg connection, untyped at run time
    """Insert fifty threads of ten people."""
    now = datetime.now(UTC)
    rows = [
        (
            f"thread-{person:02d}-{number}",
            f"user-{person:02d}",
            f"Thread {number}",
            json.dumps({"user_id": f"user-{person:02d}", "topic": f"topic {number}"}),
            now - timedelta(days=number, minutes=person),
            now - timedelta(hours=number, minutes=person),
        )
        for person in range(PEOPLE)
        for number in range(THREADS)
    ]
    await connection.executemany(
        "INSERT INTO threads (id, object, user_id, title, metadata_, created_at, updated_at) "
        "VALUES ($1, 'thread', $2, $3, $4::jsonb, $5, $6)",
        rows,
    )
