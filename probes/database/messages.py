"""Messages of our threads: written into the table that a target names, and removed again with their thread."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from probes.database.connection import Connection, TableShape, find_table, limit_waiting, turn_on
from probes.database.layout import quoted
from probes.database.seeding import INTEGERS
from probes.errors import SourceRefused
from probes.timing.deadlines import Deadlines

JSON = frozenset({"json", "jsonb"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLayout:
    """The table (empty: the service has none), its columns' names, and what else a row must have: column = text."""

    table: str
    id: str
    thread: str
    role: str
    content: str
    created_at: str
    constants: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `says` holds, by the contract's words, what the API must say about it; times in unix seconds."""

    id: str
    says: Mapping[str, Any]


class MessageWriter:
    """Writes and removes messages of our threads in one table."""

    def __init__(
        self, connection: Connection, table: TableShape, layout: MessageLayout, run_id: str, deadlines: Deadlines
    ) -> None:
        self.connection = connection
        self._table = table
        self._layout = layout
        self._run_id = run_id
        self._deadlines = deadlines
        self._serial = 0

    def reserve(self, thread: str, said: Sequence[tuple[str, str, timedelta]]) -> list[Message]:
        """Messages of a thread before they exist: role, content and age of each, their ids in the order given."""
        now, made = datetime.now(UTC), list[Message]()
        for role, content, age in said:
            self._serial += 1
            name, written = f"nv-{self._run_id}-m{self._serial:06d}", int((now - age).timestamp())
            says = {"id": name, "thread": thread, "role": role, "content": content, "created_at": written}
            made.append(Message(name, says))
        return made

    async def insert(self, messages: Sequence[Message]) -> None:
        """Write them all, or none. Raises SourceRefused."""
        layout = self._layout
        names = [layout.id, layout.thread, layout.role, layout.content, layout.created_at, *layout.constants]
        missing = [name for name in names if name not in self._table.columns]
        if missing:
            raise SourceRefused(
                self._table.name, f"has no column {', '.join(missing)} (contract.database.messages says where each is)"
            )
        marks = ", ".join(f"CAST(${n}::text AS {self._table.columns[name]})" for n, name in enumerate(names, start=1))
        statement = f"INSERT INTO {self._table.name} ({', '.join(map(quoted, names))}) VALUES ({marks})"  # noqa: S608 - the contract's names are pattern-checked, types are the catalogue's
        rows = [[*self._fitted(message.says), *layout.constants.values()] for message in messages]
        try:
            async with turn_on(self.connection), self.connection.transaction():
                await limit_waiting(self.connection, self._deadlines)
                await self.connection.executemany(statement, rows)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise SourceRefused(
                f"INSERT INTO {self._table.name}", f"messages can't be written: {error} (contract.database.messages)"
            ) from error

    def _fitted(self, says: Mapping[str, Any]) -> list[str]:
        """The values as text, to be cast to the column's type."""
        kinds, layout = self._table.columns, self._layout
        moment = says["created_at"]
        stamp = str(moment) if kinds[layout.created_at] in INTEGERS else datetime.fromtimestamp(moment, UTC).isoformat()
        content = json.dumps(says["content"]) if kinds[layout.content] in JSON else says["content"]
        return [says["id"], says["thread"], says["role"], content, stamp]

    async def remove_of(self, threads: Collection[str]) -> int:
        """Remove all messages of these threads, their own or not; return how many there were. Raises SourceRefused."""
        try:
            async with turn_on(self.connection), self.connection.transaction():
                await limit_waiting(self.connection, self._deadlines)
                status = await self.connection.execute(
                    f"DELETE FROM {self._table.name} WHERE {quoted(self._layout.thread)} = ANY($1::text[])",  # noqa: S608 - as above
                    list(threads),
                )
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise SourceRefused(
                f"deleting from {self._table.name}",
                f"messages can't be removed: {error} (contract.database.messages)",
            ) from error
        return int(status.rpartition(" ")[2])


async def find_messages(
    connection: Connection, layout: MessageLayout, run_id: str, deadlines: Deadlines
) -> MessageWriter | None:
    """The writer of a layout's messages; None if it names no table, or the table is not in our search path."""
    found = await find_table(connection, layout.table) if layout.table else None
    return MessageWriter(connection, found, layout, run_id, deadlines) if found else None
