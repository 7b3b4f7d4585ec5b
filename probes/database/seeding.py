"""Seeding rows of ours into the threads table, and taking them away again: by id, by run, or by age."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from probes.database.connection import OURS, SERVER_FIRST_S, Connection, TableShape
from probes.database.metadata_shapes import PLAIN, Shape
from probes.deadlines import Deadlines
from probes.errors import SourceRefused

INTEGERS = frozenset({"integer", "bigint"})
STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class RowSpec:
    """A row to seed. `owner` goes into the user_id column (where there is one), `metadata` as it is shaped."""

    owner: str
    shape: Shape = PLAIN
    title: str | None = "seeded by netra-verify"
    age: timedelta = timedelta()
    deleted: bool = False
    column_owner: str | None = None  # another owner in the column than in the metadata
    written: str | None = None  # JSON text instead of the shape's own


@dataclass(frozen=True, slots=True)
class Row:
    """A row that was seeded: its id, its owner, and what the API must answer for its metadata."""

    id: str
    owner: str
    metadata: dict[str, Any] | None

    @property
    def answer(self) -> dict[str, Any] | None:
        """What the API must answer for `metadata`."""
        return self.metadata


class Seeder:
    """Writes and removes rows of one run in one table. Every id is `nv-<run id>-<serial>`: sortable, and ours."""

    def __init__(
        self, connection: Connection, table: TableShape, run_id: str, deadlines: Deadlines | None = None
    ) -> None:
        self.connection = connection
        self._table = table
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
        answers = {spec: _answer(spec) for spec in dict.fromkeys(specs)}
        rows = []
        for spec in specs:
            self._serial += 1
            rows.append(Row(f"{self.prefix}{self._serial:07d}", spec.owner, answers[spec]))
        return rows

    async def insert(self, rows: Sequence[Row], specs: Sequence[RowSpec]) -> None:
        """Insert reserved rows in bulk, in a transaction of their own: by COPY, or by one INSERT where COPY can't pass.

        Raises:
            SourceRefused: The database did not take them; none was kept.
        """
        kinds = dict.fromkeys(specs)
        columns = [  # a column that is NULL in every row is not worth sending
            name
            for name, write in WRITERS.items()
            if name in self._table.columns and any(write(spec, self._moment) is not None for spec in kinds)
        ]
        alike: dict[RowSpec, tuple[object, ...]] = {}  # rows of one specification differ by their id alone
        for spec in kinds:
            alike[spec] = tuple(self._fit(name, WRITERS[name](spec, self._moment)) for name in columns)
        records = [(row.id, *alike[spec]) for row, spec in zip(rows, specs, strict=True)]
        try:
            # asyncpg's COPY waits for ever, whatever its own timeout, when the connection drops in the middle.
            async with asyncio.timeout(self._deadlines.statement + SERVER_FIRST_S):
                await self._put(["id", *columns], records)
        except TimeoutError as error:
            self.connection.terminate()
            raise SourceRefused(
                f"INSERT INTO {self._table.name}", f"seeding was not done within {self._deadlines.statement:g} s"
            ) from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise SourceRefused(
                f"INSERT INTO {self._table.name}", f"seeding was refused: {type(error).__name__}: {error}"
            ) from error

    async def _put(self, columns: Sequence[str], records: Sequence[tuple[object, ...]]) -> None:
        schema, _, name = self._table.name.rpartition(".")
        try:
            async with self.connection.transaction():
                await self._limit_waiting()
                await self.connection.copy_records_to_table(
                    name.strip('"'), schema_name=schema.strip('"') or None, columns=columns, records=records
                )
        except asyncpg.FeatureNotSupportedError:  # COPY FROM is refused under row-level security; INSERT is not
            kinds = ", ".join(f"${n}::{self._table.columns[one]}[]" for n, one in enumerate(columns, start=1))
            async with self.connection.transaction():
                await self._limit_waiting()
                await self.connection.execute(
                    f"INSERT INTO {self._table.name} ({', '.join(columns)}) SELECT * FROM unnest({kinds})",  # noqa: S608 - names and types are the catalogue's
                    *map(list, zip(*records, strict=True)),
                )

    async def _limit_waiting(self) -> None:
        """Limits that hold for this transaction alone: behind PgBouncer there is no session to set them for."""
        await self.connection.execute(
            f"SET LOCAL lock_timeout = {int(self._deadlines.lock * 1000)}; "
            f"SET LOCAL statement_timeout = {int(self._deadlines.statement * 1000)}"
        )

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
        return await self._delete("id = ANY($1::text[])", ids)

    async def remove_run(self) -> int:
        """Remove every row of this run."""
        return await self._delete("starts_with(id, $1)", self.prefix)

    async def reap(self, older_than: timedelta) -> int:
        """Remove rows that killed runs left behind: ours by prefix, older than that by the id's own time stamp."""
        return await self._delete('starts_with(id, $1) AND id COLLATE "C" < $2', OURS, self._before(older_than))

    async def leftovers(self, older_than: timedelta) -> list[str]:
        """The ids that `reap` would remove."""
        rows = await self.connection.fetch(
            f'SELECT id FROM {self._table.name} WHERE starts_with(id, $1) AND id COLLATE "C" < $2 ORDER BY id',  # noqa: S608 - as in `_delete`
            OURS, self._before(older_than),
        )  # fmt: skip
        return [row["id"] for row in rows]

    async def residue(self) -> int:
        """How many rows of this run are in the table."""
        count = await self.connection.fetchval(
            f"SELECT count(*) FROM {self._table.name} WHERE starts_with(id, $1)",  # noqa: S608 - as in `_delete`
            self.prefix,
        )
        return int(count)

    def _before(self, age: timedelta) -> str:
        return f"{OURS}{datetime.fromtimestamp(time.time(), UTC) - age:{STAMP}}~"  # "~" sorts after the id's "-"

    async def _delete(self, where: str, *values: object) -> int:
        async with self.connection.transaction():
            await self._limit_waiting()
            status = await self.connection.execute(
                f"DELETE FROM {self._table.name} WHERE {where}",  # noqa: S608 - the name is the catalogue's, the rest ours
                *values,
            )
        return int(status.rpartition(" ")[2])


def _written(spec: RowSpec) -> str | None:
    return spec.written if spec.written is not None else spec.shape.written(spec.owner)


def _answer(spec: RowSpec) -> dict[str, Any] | None:
    written = _written(spec)
    value = None if written is None else json.loads(written)
    return value if isinstance(value, dict) else None


def _updated(spec: RowSpec, moment: datetime) -> datetime:
    return moment - spec.age


WRITERS: Mapping[str, Callable[[RowSpec, datetime], object]] = {
    "object": lambda _spec, _moment: "thread",
    "title": lambda spec, _moment: spec.title,
    "user_id": lambda spec, _moment: spec.column_owner or spec.owner,
    "metadata_": lambda spec, _moment: _written(spec),
    "created_at": _updated,
    "updated_at": _updated,
    "deleted_at": lambda spec, moment: _updated(spec, moment) if spec.deleted else None,
}
