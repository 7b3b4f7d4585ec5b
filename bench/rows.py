"""Seeding, reaping and the census on a scratch PostgreSQL, compared with executemany and a scan written by hand."""

import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.figures import Figure
from probes.database.census import take_census
from probes.database.connection import Connection, TableShape, connect, find_table
from probes.database.metadata_shapes import SHAPES
from probes.database.seeding import RowSpec, Seeder
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from twin.backend.migrate import migrate
from twin.ports import free_ports
from twin.postgres import Postgres
from twin.processes import Processes

ROWS, MANY = 10_000, 5_000_000
LONG_AGO = "20200101T000000Z-bench0"
BY_HAND = """
SELECT jsonb_typeof(metadata_) AS shape, count(*), count(*) FILTER (WHERE user_id <> metadata_ ->> 'user_id')
FROM threads WHERE id NOT LIKE 'nv-%' GROUP BY 1
"""
ONE_BY_ONE = """
INSERT INTO threads (id, object, title, user_id, metadata_, created_at, updated_at, deleted_at)
VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8)
"""
FILL = f"""
INSERT INTO threads (id, user_id, metadata_, created_at)
SELECT 'thread-' || n, 'user-' || n % 1000, jsonb_build_object('user_id', 'user-' || n % 1000), now()
FROM generate_series(1, {MANY}) AS n
"""  # noqa: S608 - a constant number


async def timed(work: Awaitable[Any]) -> float:
    """Seconds that an awaitable takes."""
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


async def measure() -> list[Figure]:
    """All figures of this file."""
    processes = Processes()
    processes.open()
    try:
        postgres = Postgres(processes=processes, port=free_ports(1)[0])
        await postgres.start()
        await migrate(postgres.owner_url.replace("postgresql:", "postgresql+asyncpg:", 1))
        return await _measure(postgres)
    finally:
        await processes.close()


async def _measure(postgres: Postgres) -> list[Figure]:
    async with connect(Secret(postgres.owner_url), "bench", Deadlines(statement=120.0)) as connection:
        table = await find_table(connection, "threads")
        if table is None:
            raise RuntimeError("the schema was not migrated")
        return [*await _measure_seeding(connection, table), await _measure_census(connection, table)]


async def _measure_seeding(connection: Connection, table: TableShape) -> list[Figure]:
    """Writing and removing mixed rows, compared with executemany: the best of three, and for removing the worst."""
    # 1 MiB rows measure the disk, not the way of inserting.
    shapes = [shape for shape in SHAPES if shape.id != "1 MiB"]
    specs = [RowSpec(owner="nv-owner", shape=shapes[number % len(shapes)]) for number in range(ROWS)]
    copies, reaps, singles = [], [], []
    for _ in range(3):
        seeder = Seeder(connection, table, LONG_AGO)
        rows = seeder.reserve(specs)
        copies.append(await timed(seeder.insert(rows, specs)))
        reaps.append(await timed(seeder.reap(timedelta(hours=1))))
        now = datetime.now(UTC)
        plain = [
            (row.id, "thread", spec.title, spec.owner, spec.shape.written(spec.owner), now, now, None)
            for row, spec in zip(rows, specs, strict=True)
        ]
        singles.append(await timed(connection.executemany(ONE_BY_ONE, plain)))
        await seeder.reap(timedelta(hours=1))
        await connection.execute("VACUUM threads")
    copied, each, rows_text = min(copies), min(singles), f"{ROWS:,}"
    by_hand = f"executemany {each:.2f} s"
    return [
        Figure(name=f"seeding {rows_text} mixed rows", value=copied, limit=0.5, unit="s", beside=by_hand),
        Figure(name="executemany over COPY", value=each / copied, limit=2.0, unit="x", at_least=True),
        Figure(name=f"reaping {rows_text} rows", value=max(reaps), limit=1.0, unit="s"),
    ]


async def _measure_census(connection: Connection, table: TableShape) -> Figure:
    """The census of a big table, compared with a scan by hand: the best of three."""
    await connection.execute(FILL)
    await connection.execute("ANALYZE threads")
    census = min([await timed(take_census(connection, table)) for _ in range(3)])
    scan = min([await timed(connection.fetch(BY_HAND)) for _ in range(3)])
    return Figure(
        name=f"census of {MANY:,} rows over a scan by hand",
        value=census / scan,
        limit=1.2,
        unit="x",
        beside=f"{census:.2f} s, {scan:.2f} s",
    )
