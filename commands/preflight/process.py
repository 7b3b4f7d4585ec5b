"""Starts the process that runs an image's env.py, in an environment that contains only the scratch server's address."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from commands.preflight.scratch import Scratch
from probes.errors import SourceRefused

# The only variables that are passed on; any other one could be an address, or a password for one.
PASSED = ("PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT")
PASSED_PREFIX = "LC_"
URL_VARIABLE = "DATABASE_URL"
# Whom libpq trusts, and OpenSSL: the relay, as nothing else can be reached.
TRUSTED = ("PGSSLROOTCERT", "SSL_CERT_FILE")
MAIN = Path(__file__).parent / "inside/main.py"
LONGEST_S = 600.0  # for all revisions together: there are few rows, so anything slower is blocked by something
TAIL = 15
Begin = Callable[[str], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How the process ended, according to its own reports."""

    done: list[str] = field(default_factory=list)
    current: str = ""
    refused: str = ""
    idle: str = ""  # the revision that env.py was asked for and ran on no database
    tables: set[tuple[str | None, str]] = field(default_factory=set)  # alembic's own, by schema and name
    failure: Mapping[str, Any] | None = None
    missing: list[str] = field(default_factory=list)  # variables that were asked for but not passed on
    confined: bool = False
    code: int = 0
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to run: the alembic folder, its ini (or none), the revisions in order, and variables that env.py reads."""

    folder: Path
    ini: Path | None
    toml: Path | None  # the pyproject.toml, if it speaks of alembic
    revisions: Sequence[str]
    url_variables: Sequence[str] = ()
    passed: Sequence[str] = ()
    certificate: Path | None = None  # of the relay

    @property
    def place(self) -> Path:
        """The folder of its ini, where people run alembic: `prepend_sys_path = .` means this folder."""
        return (self.ini or self.toml or self.folder).absolute().parent


def environment(wanted: Wanted, scratch: Scratch, port: int, home: str) -> dict[str, str]:
    """The process's environment: an allow-list, and the relay as the only address under every name."""
    kept = {name for name in os.environ if name in PASSED or name.startswith(PASSED_PREFIX)} | {*wanted.passed}
    address = _url(scratch, port, "postgresql")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **_import_path(),
        **dict.fromkeys((URL_VARIABLE, *wanted.url_variables), address),
        "PGHOST": scratch.host,
        "PGPORT": str(port),
        "PGUSER": scratch.user,
        "PGPASSWORD": scratch.password,
        "PGDATABASE": scratch.database,
        "PGSSLMODE": "disable",
        **(dict.fromkeys(TRUSTED, str(wanted.certificate)) if wanted.certificate else {}),
        "PGSERVICEFILE": os.devnull,
        "PGPASSFILE": os.devnull,
        "PGSYSCONFDIR": home,
        "HOME": home,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _import_path() -> dict[str, str]:
    """PYTHONPATH with its folders as they are from here, if it is set: the process runs in another folder."""
    folders = [str(Path(folder).absolute()) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    return {"PYTHONPATH": os.pathsep.join(folders)} if folders else {}


def _url(scratch: Scratch, port: int, scheme: str) -> str:
    user, password, database = (quote(part, "") for part in (scratch.user, scratch.password, scratch.database))
    return f"{scheme}://{user}:{password}@{scratch.host}:{port}/{database}"


async def run_migrations(wanted: Wanted, scratch: Scratch, port: int, begin: Begin) -> Outcome:
    """Run the migrations; `begin` is awaited before each revision. Raises SourceRefused if they take too long."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory(prefix="netra-preflight-") as home, (Path(home) / "output").open("w+b") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(MAIN),
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment(wanted, scratch, port, home),
            cwd=wanted.place,
            pass_fds=[writing],
        )
        os.close(writing)
        try:
            async with asyncio.timeout(LONGEST_S):
                outcome = await _follow(process, reading, _description(wanted, scratch, port, writing), begin)
                outcome.code = await process.wait()
        except TimeoutError as error:
            raise SourceRefused(str(wanted.folder), f"its migrations did not finish within {LONGEST_S:g} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        output.seek(0)
        outcome.tail = " | ".join(output.read().decode(errors="replace").splitlines()[-TAIL:])
    return outcome


def _description(wanted: Wanted, scratch: Scratch, port: int, reports: int) -> dict[str, Any]:
    return {
        "reports": reports,
        "host": scratch.host,
        "port": port,
        "url": _url(scratch, port, "postgresql+psycopg"),
        "folder": str(wanted.folder),
        "ini": str(wanted.ini.absolute()) if wanted.ini else "",
        "toml": str(wanted.toml.absolute()) if wanted.toml else "",
        "revisions": list(wanted.revisions),
    }


async def _follow(
    process: asyncio.subprocess.Process, reading: int, description: Mapping[str, Any], begin: Begin
) -> Outcome:
    outcome = Outcome()
    reports = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reports), os.fdopen(reading, "rb")
    )
    try:
        _send(process, json.dumps(description))
        while line := await reports.readline():
            await _take(process, outcome, json.loads(line), begin)
    finally:
        transport.close()
    return outcome


def _send(process: asyncio.subprocess.Process, line: str) -> None:
    if process.stdin is not None and not process.stdin.is_closing():
        process.stdin.write(line.encode() + b"\n")


async def _take(process: asyncio.subprocess.Process, outcome: Outcome, report: Mapping[str, Any], begin: Begin) -> None:
    if "begin" in report:
        outcome.current = report["begin"]
        await begin(outcome.current)
        _send(process, "go on")
    elif "end" in report:
        outcome.done.append(report["end"])
        outcome.current = ""
    elif "missing" in report:
        outcome.missing.append(report["missing"])
    elif "idle" in report:
        outcome.idle = report["idle"]
    elif "table" in report:
        outcome.tables.add(tuple(report["table"]))
    elif "refused" in report:
        outcome.refused = report["refused"]
    elif "confined" in report:
        outcome.confined = report["confined"]
    else:
        outcome.failure = report
