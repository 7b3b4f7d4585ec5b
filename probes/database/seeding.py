"""Seeding rows into the threads table, and removing them again: by id, by run, or by age."""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from probes.database.census import shape_of
from probes.database.connection import (
    OURS,
    SERVER_FIRST_S,
    Connection,
    TableShape,
    ended_if_lost,
    limit_waiting,
    turn_on,
)
from probes.database.layout import quoted
from probes.database.metadata_shapes import PLAIN, Shape
from probes.errors import SourceRefused
from probes.timing.deadlines import Deadlines

INTEGERS = frozenset({"integer", "bigint"})
TITLE = "seeded by netra-verify"
STAMP = "%Y%m%dT%H%M%SZ"
OF_A_RUN = f"^{OURS}[0-9]{{8}}T[0-9]{{6}}Z-[0-9a-f]{{6}}-"  # how a seeded row's id begins: `nv-1` may be anyone's
FEW = 50  # rows that one INSERT takes in one round trip, where COPY needs three


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSpec:
    """A row to seed, for `owner`, named in the owner's column (if there is one) and in metadata as it is shaped."""

    owner: str
    shape: Shape = PLAIN
    title: str | None = TITLE
    age: timedelta = timedelta()  # of the last change
    created_age: timedelta | None = None  # None: as the last change
    deleted: bool = False
    column_owner: str | None = None  # another owner in the column than in the metadata; empty: none in the column
    id_after: str = ""  # what the row's id begins with, instead of its run's prefix


@dataclass(frozen=True, slots=True)
class Row:
    """A seeded row: its id, its owner by the table's layout, and what the API must say about it.

    `owner` is empty if nothing that was written names one. `says` holds, by the contract's words, what was written and
    can be compared: id, title, owner, metadata (null for everything except objects), and times in unix seconds.
    """

    id: str
    owner: str
    wanted: str  # the user it was planted for
    says: Mapping[str, Any]

    @property
    def owned(self) -> bool:
        """Whether the row belongs to the user it was planted for: only then can we demand that the API lists it."""
        return self.owner == self.wanted


class Seeder:
    """Writes and removes rows of one run in one table. Every id is `nv-<run id>-<serial>`: sortable, and ours."""

    def __init__(
        self,
        connection: Connection,
        table: TableShape,
        run_id: str,
        deadlines: Deadlines | None = None,
        *,
        session_has_deadlines: bool = False,
    ) -> None:
        """`session_has_deadlines`: opened by `connect`, not behind PgBouncer; statements need no own limits."""
        self.connection = connection
        self._session_has_deadlines = session_has_deadlines
        self._table = table
        self._layout = table.layout
        self._deadlines = deadlines or Deadlines()
        self._run_id = run_id
        self._serial = 0
        self._moment = datetime.now(UTC)

    @property
    def prefix(self) -> str:
        """What every id of this run begins with."""
        return f"{OURS}{self._run_id}-"

    def reserve(self, specs: Sequence[RowSpec]) -> list[Row]:
        """Name the rows before they exist, so that their undo can be registered first."""
        known = {spec: (self._owner(spec), self._says(spec)) for spec in dict.fromkeys(specs)}
        rows = []
        for spec in specs:
            self._serial += 1
            name, (owner, says) = f"{spec.id_after or self.prefix}{self._serial:07d}", known[spec]
            rows.append(Row(name, owner, spec.owner, {"id": name, **says}))
        return rows

    def _owner(self, spec: RowSpec) -> str:
        """The owner of a row, by what is written and by the layout; empty if it has none."""
        if self._table.owner_column and (self._in_column(spec) or self._layout.owner_in == "column"):
            return self._in_column(spec)
        value = self._value(spec)
        named = value.get(self._layout.owner_key) if isinstance(value, dict) else None
        return named if isinstance(named, str) else "" if named is None else json.dumps(named)

    def _in_column(self, spec: RowSpec) -> str:
        """The user in the owner's column; empty for none, where the table takes a row without one."""
        empty = spec.column_owner == "" and self._layout.owner not in self._table.never_null
        return "" if empty else spec.column_owner or spec.owner

    def _says(self, spec: RowSpec) -> dict[str, Any]:
        """What can be compared of a row besides its id."""
        value, columns = self._value(spec), self._table.columns
        says: dict[str, Any] = {"owner": self._owner(spec)}
        if not spec.shape.poison:  # no contract says how an unreadable text comes back
            says["metadata"] = value if isinstance(value, dict) else None
        for name, key, written in self._values(spec):
            if getattr(self._layout, name) in columns or (spec.shape.carries and key):
                says[name] = int(written.timestamp()) if isinstance(written, datetime) else written
        return says

    def _value(self, spec: RowSpec) -> Any:  # noqa: ANN401 - any JSON value
        """What metadata holds: the shape's value, and what has no column of its own if the shape carries it."""
        value = spec.shape.value(spec.owner, self._layout.owner_key)
        if not spec.shape.carries:
            return value
        carried = {
            key: int(written.timestamp()) if isinstance(written, datetime) else written
            for name, key, written in self._values(spec)
            if key and getattr(self._layout, name) not in self._table.columns
        }
        return value | carried

    def _values(self, spec: RowSpec) -> list[tuple[str, str, object]]:
        """Each part of a row: its name, its key in metadata for want of a column, and what is written."""
        return [
            ("title", self._layout.title_key, spec.title),
            ("updated_at", self._layout.updated_at_key, _updated(spec, self._moment)),
            ("created_at", "", _created(spec, self._moment)),
        ]

    def _written(self, spec: RowSpec) -> str | None:
        if not spec.shape.carries:
            return spec.shape.written(spec.owner, self._layout.owner_key)
        return json.dumps(self._value(spec), ensure_ascii=False)

    async def insert(self, rows: Sequence[Row], specs: Sequence[RowSpec]) -> None:
        """Insert reserved rows, all or none: many by COPY; few, or if COPY is refused, by one INSERT.

        Raises:
            SourceRefused: The database did not accept them; none was kept.
        """
        kinds = dict.fromkeys(specs)
        writers = self._writers()
        columns = [  # a column that is NULL in every row is not worth sending
            name
            for name, write in writers.items()
            if name in self._table.columns and any(write(spec) is not None for spec in kinds)
        ]
        alike: dict[RowSpec, tuple[object, ...]] = {}  # rows of one specification differ by their id alone
        for spec in kinds:
            alike[spec] = tuple(self._fit(name, writers[name](spec)) for name in columns)
        records = [(row.id, *alike[spec]) for row, spec in zip(rows, specs, strict=True)]
        try:
            async with ended_if_lost(self.connection, self._deadlines.statement + SERVER_FIRST_S):
                await self._put([self._layout.id, *columns], records)
        except TimeoutError as error:
            why = f"was not done within {self._deadlines.statement:g} s"
            if self.connection.is_closed():
                why = "was cut off: the connection was lost"
            self.connection.terminate()
            raise SourceRefused(f"INSERT INTO {self._table.name}", f"seeding {why}") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise SourceRefused(
                f"INSERT INTO {self._table.name}", f"seeding was refused: {type(error).__name__}: {error}"
            ) from error

    def _writers(self) -> Mapping[str, Callable[[RowSpec], object]]:
        """What is written into each column."""
        layout, moment = self._layout, self._moment
        return {
            layout.object: lambda _spec: layout.object_value,
            layout.title: lambda spec: spec.title,
            layout.owner: lambda spec: self._in_column(spec) or None,
            layout.metadata: self._written,
            layout.created_at: lambda spec: _created(spec, moment),
            layout.updated_at: lambda spec: _updated(spec, moment),
            layout.deleted_at: lambda spec: _updated(spec, moment) if spec.deleted else None,
        }

    async def _put(self, columns: Sequence[str], records: Sequence[tuple[object, ...]]) -> None:
        schema, _, name = self._table.name.rpartition(".")
        if 0 < len(records) <= FEW:
            await self._put_at_once(columns, records)
            return
        try:
            async with self._limited():
                await self.connection.copy_records_to_table(
                    name.strip('"'), schema_name=schema.strip('"') or None, columns=columns, records=records
                )
        except asyncpg.FeatureNotSupportedError:  # COPY FROM is refused under row-level security; INSERT is not
            await self._put_at_once(columns, records)

    async def _put_at_once(self, columns: Sequence[str], records: Sequence[tuple[object, ...]]) -> None:
        kinds = ", ".join(f"${n}::{self._table.columns[name]}[]" for n, name in enumerate(columns, start=1))
        async with self._limited():
            await self.connection.execute(
                f"INSERT INTO {self._table.name} ({', '.join(map(quoted, columns))}) SELECT * FROM unnest({kinds})",  # noqa: S608 - names and types are the catalogue's
                *map(list, zip(*records, strict=True)),
            )

    @asynccontextmanager
    async def _limited(self) -> AsyncIterator[None]:
        """One statement at a time, and none that waits longer than our deadlines.

        If the session has none (behind PgBouncer), they are set for a transaction: three round trips.
        """
        async with turn_on(self.connection):
            if self._session_has_deadlines:
                yield
                return
            async with self.connection.transaction():
                await limit_waiting(self.connection, self._deadlines)
                yield

    def _fit(self, column: str, value: object) -> object:
        if isinstance(value, datetime):
            kind = self._table.columns[column]
            if kind in INTEGERS:
                return int(value.timestamp())
            return value.replace(tzinfo=None) if kind == "timestamp without time zone" else value
        return value

    async def remove(self, rows: Sequence[Row]) -> int:
        """Remove rows by their ids; return how many there were."""
        ids = [row.id for row in rows]
        return await self._delete(f"{self._table.sql.id} = ANY($1::text[])", ids)

    async def kind_of_metadata(self, thread_id: str) -> str | None:
        """The kind of a row's metadata, of any origin: `object`, `string`, ..., or `NULL`; None without such a row."""
        async with turn_on(self.connection):
            kind: str | None = await self.connection.fetchval(
                f"SELECT COALESCE({shape_of(self._table)}, 'NULL') "  # noqa: S608 - names of the contract
                f"FROM {self._table.name} WHERE {self._table.sql.id} = $1",
                thread_id,
            )
        return kind

    async def remove_of(self, user: str) -> int:
        """Remove every row that names this test user as its owner, of any origin and with any metadata.

        The metadata is searched as text: a service may have stored what the column's own operators can't read, and
        never have answered the row's id.

        Raises:
            ValueError: Not one of our users.
        """
        if not user.startswith(OURS):
            raise ValueError(f"{user!r} is not a user of this suite: its rows are not ours to remove")
        columns = self._table.columns
        where = [f"{self._table.sql.owner} = $1"] if self._layout.owner in columns else []
        if self._layout.metadata in columns:
            where.append(f"position(to_json($1::text)::text in {self._table.sql.metadata}::text) > 0")
        return await self._delete(" OR ".join(where), user) if where else 0

    async def remove_run(self) -> int:
        """Remove every row of this run."""
        return await self._delete(f"starts_with({self._table.sql.id}, $1)", self.prefix)

    async def reap(self, older_than: timedelta) -> int:
        """Remove rows that killed runs left: with our prefix, and older than that by the time stamp in the id."""
        return await self._delete(self._old, OURS, self._before(older_than))

    async def leftovers(self, older_than: timedelta) -> list[str]:
        """The ids that `reap` would remove."""
        rows = await self.connection.fetch(
            f"SELECT {self._table.sql.id} AS id FROM {self._table.name} WHERE {self._old} ORDER BY 1",  # noqa: S608 - as in `_delete`
            OURS,
            self._before(older_than),
        )
        return [row["id"] for row in rows]

    async def residue(self) -> int:
        """How many rows of this run are in the table."""
        count = await self.connection.fetchval(
            f"SELECT count(*) FROM {self._table.name} WHERE starts_with({self._table.sql.id}, $1)",  # noqa: S608 - as in `_delete`
            self.prefix,
        )
        return int(count)

    @property
    def _old(self) -> str:
        name = self._table.sql.id
        return f"""starts_with({name}, $1) AND {name} COLLATE "C" < $2 AND {name} ~ '{OF_A_RUN}'"""

    def _before(self, age: timedelta) -> str:
        return f"{OURS}{datetime.fromtimestamp(time.time(), UTC) - age:{STAMP}}~"  # "~" sorts after the id's "-"

    async def _delete(self, where: str, *values: object) -> int:
        async with self._limited():
            status = await self.connection.execute(
                f"DELETE FROM {self._table.name} WHERE {where}",  # noqa: S608 - the name is the catalogue's, the rest ours
                *values,
            )
        return int(status.rpartition(" ")[2])


def _updated(spec: RowSpec, moment: datetime) -> datetime:
    return moment - spec.age


def _created(spec: RowSpec, moment: datetime) -> datetime:
    return moment - (spec.age if spec.created_age is None else spec.created_age)
