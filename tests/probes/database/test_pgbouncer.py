"""Behind PgBouncer in transaction mode: rows are seeded, counted and removed, with no session to rely on."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import asyncpg
import pytest
import pytest_asyncio

from probes.database.census import take_census
from probes.database.connection import connect, find_table
from probes.database.metadata_shapes import SHAPES
from probes.database.seeding import RowSpec, Seeder
from probes.secret import Secret
from probes.timing.waiting import await_steady
from tests.probes.database.conftest import DEADLINES, Database
from tests.system.waiting import HANGS_S
from twin.ports import free_ports

BINARY = shutil.which("pgbouncer") or next((p for p in ("/usr/sbin/pgbouncer",) if Path(p).exists()), None)
NEEDED = pytest.mark.skipif(BINARY is None, reason="pgbouncer is not installed (Debian: apt-get install pgbouncer)")
CONFIG = """
[databases]
netra = host=127.0.0.1 port={upstream} dbname=netra
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = 2
"""


def start(folder: Path, upstream: SplitResult, port: int) -> subprocess.Popen[bytes]:
    folder.chmod(0o755)  # as root, PgBouncer runs as somebody else
    (folder / "users.txt").write_text(f'"{upstream.username}" "{upstream.password}"\n')
    (folder / "pgbouncer.ini").write_text(CONFIG.format(upstream=upstream.port, port=port, folder=folder))
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    return subprocess.Popen([str(BINARY), "-q", str(folder / "pgbouncer.ini")], user=user)


@pytest_asyncio.fixture(loop_scope="session")
async def pooled(database: Database) -> AsyncIterator[str]:
    """The URL of the same database through PgBouncer, with two server connections for everybody."""
    parts = urlsplit(database.url)
    port = free_ports(1)[0]
    with tempfile.TemporaryDirectory(prefix="netra-pgbouncer-") as name:
        process = start(Path(name), parts, port)
        url = database.url.replace(f":{parts.port}/", f":{port}/")

        async def look() -> str:
            try:
                await (await asyncpg.connect(url, statement_cache_size=0)).close()
            except (OSError, asyncpg.PostgresError) as error:
                return str(error)
            return ""

        try:
            assert (await await_steady(look, in_a_row=1, deadline_s=HANGS_S)).steady
            yield url
        finally:
            process.terminate()
            process.wait(timeout=HANGS_S)


@NEEDED
async def test_rows_are_seeded_and_removed_through_a_transaction_pool(database: Database, pooled: str) -> None:
    before = await database.checksum()
    async with (
        connect(Secret(pooled), "self-test", DEADLINES, pgbouncer=True) as one,
        connect(Secret(pooled), "self-test", DEADLINES, pgbouncer=True) as other,
    ):
        table = await find_table(one, "threads")
        assert table is not None
        seeders = [Seeder(one, table, "29990101T000000Z-aaaaaa"), Seeder(other, table, "29990101T000000Z-bbbbbb")]
        specs = [RowSpec(owner="nv-owner", shape=shape) for shape in SHAPES]
        for seeder in seeders:
            await seeder.insert(seeder.reserve(specs), specs)
        assert (await take_census(other, table)).bad == {}
        assert [await seeder.residue() for seeder in seeders] == [len(SHAPES)] * 2
        assert [await seeder.remove_run() for seeder in seeders] == [len(SHAPES)] * 2
    assert (await database.ours(), await database.checksum()) == (0, before)


@NEEDED
async def test_no_transaction_of_ours_waits_for_a_lock_beyond_our_limit(database: Database, pooled: str) -> None:
    async with connect(Secret(pooled), "self-test", DEADLINES, pgbouncer=True) as connection:
        table = await find_table(connection, "threads")
        assert table is not None
        seeder = Seeder(connection, table, "29990101T000000Z-cccccc")
        async with database.owner.transaction():
            await database.owner.execute("LOCK TABLE threads IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(Exception, match="lock"):
                await seeder.insert(seeder.reserve([RowSpec(owner="nv-owner")]), [RowSpec(owner="nv-owner")])
    assert await database.ours() == 0
