"""Notes in PostgreSQL."""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import asyncpg

SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (
    key text PRIMARY KEY, kind text NOT NULL DEFAULT 'note', subject text, account text NOT NULL, attributes jsonb,
    created_on bigint NOT NULL, changed_on bigint NOT NULL, removed_on bigint
);
CREATE INDEX IF NOT EXISTS notes_by_account ON notes (account, created_on, key);
CREATE TABLE IF NOT EXISTS fjord_schema (version_num text PRIMARY KEY);
INSERT INTO fjord_schema VALUES ('2026_03_by_account') ON CONFLICT DO NOTHING;
"""
COLUMNS = "key, kind, subject, account, attributes, created_on, changed_on"
Note = dict[str, Any]


def as_note(row: asyncpg.Record) -> Note:
    """A row as the API says it."""
    attributes = None if row["attributes"] is None else json.loads(row["attributes"])
    return {
        "key": row["key"],
        "kind": row["kind"],
        "subject": row["subject"],
        "account": row["account"],
        "attributes": attributes if isinstance(attributes, dict) else None,
        "created": row["created_on"],
        "changed": row["changed_on"],
    }


@dataclass
class Store:
    """Every statement of the service. Whose a note is says the column `account` alone."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    living: str = "removed_on IS NULL"
    mine: str = "account = $1"
    order: str = "created_on, key"

    async def page(self, account: str, size: int, skip: int) -> list[Note]:
        """A page, oldest first, and one note more where there are further ones."""
        rows = await self.pool.fetch(
            f"SELECT {COLUMNS} FROM notes WHERE {self.mine} AND {self.living} ORDER BY {self.order} LIMIT $2 OFFSET $3",  # noqa: S608 - our own words
            account,
            size + 1,
            skip,
        )
        return [as_note(row) for row in rows]

    async def one(self, account: str, key: str) -> Note | None:
        """A note of the account."""
        row = await self.pool.fetchrow(
            f"SELECT {COLUMNS} FROM notes WHERE {self.mine} AND key = $2 AND {self.living}",  # noqa: S608 - our own words
            account,
            key,
        )
        return None if row is None else as_note(row)

    async def add(self, account: str, subject: str | None, attributes: dict[str, Any]) -> Note:
        """A new note."""
        row = await self.pool.fetchrow(
            f"INSERT INTO notes VALUES ($1, 'note', $2, $3, $4, $5, $5) RETURNING {COLUMNS}",  # noqa: S608 - our own words
            secrets.token_hex(12),
            subject,
            account,
            json.dumps(attributes),
            int(time.time()),
        )
        assert row is not None
        return as_note(row)

    async def rename(self, account: str, key: str, subject: str | None, attributes: dict[str, Any] | None) -> bool:
        """Whether there was such a note; what is given replaces the old, and what is not stays."""
        done = await self.pool.execute(
            "UPDATE notes SET subject = coalesce($3, subject), changed_on = $4, attributes = coalesce($5, attributes) "
            "WHERE account = $1 AND key = $2 AND removed_on IS NULL",
            account,
            key,
            subject,
            int(time.time()),
            None if attributes is None else json.dumps(attributes),
        )
        return bool(done == "UPDATE 1")

    async def remove(self, account: str, key: str) -> bool:
        """Whether there was such a note."""
        done = await self.pool.execute(
            "UPDATE notes SET removed_on = $3 WHERE account = $1 AND key = $2 AND removed_on IS NULL",
            account,
            key,
            int(time.time()),
        )
        return bool(done == "UPDATE 1")

    async def count(self) -> dict[str, int]:
        """How many notes there are, and how many of them have attributes that are not an object."""
        row = await self.pool.fetchrow(
            "SELECT count(*) AS rows, "
            "count(*) FILTER (WHERE jsonb_typeof(attributes) IS DISTINCT FROM 'object') AS odd FROM notes"
        )
        assert row is not None
        return dict(row)
