"""The second team's service, up: `python -m tests.system.second_team FOLDER` holds it until Ctrl-C.

FOLDER gets `environment`, lines for a shell: what a team keeps in its secret store, and where its service is.
"""

import asyncio
import json
import os
import secrets
import shlex
import signal
import stat
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import asyncpg
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from twin.ports import free_ports
from twin.postgres import Postgres
from twin.processes import Processes

KEY_ID = "2026-11"
GRANTED = "GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO netra_verify; GRANT SELECT ON fjord_schema TO netra_verify;"
OLD_NOTES = """
INSERT INTO notes SELECT 'old-' || n, 'note', 'An older note', 'somebody-' || n % 7, '{"tags": []}', 1700000000 + n,
1700000000 + n FROM generate_series(1, 40) AS n
"""


@dataclass(frozen=True, slots=True)
class Team:
    """Where the service is, and what lets us in: as the suite's environment has it."""

    url: str
    environment: dict[str, str]


@asynccontextmanager
async def notes_up(broken: str = "") -> AsyncIterator[Team]:
    """PostgreSQL and the service, healthy or with one fault; both are gone afterwards."""
    processes = Processes()
    processes.open()
    try:
        yield await _started(processes, broken)
    finally:
        await processes.close()


async def _started(processes: Processes, broken: str) -> Team:
    database_port, port = free_ports(2)
    postgres = Postgres(processes=processes, port=database_port)
    await postgres.start()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": KEY_ID, "alg": "RS256", "use": "sig"}
    jwks = processes.folder / "jwks.json"
    jwks.write_text(json.dumps({"keys": [jwk]}), encoding="utf-8")
    service_key = secrets.token_urlsafe(24)
    configuration = {"NOTES_DSN": postgres.owner_url, "NOTES_JWKS": str(jwks), "NOTES_SERVICE_KEY": service_key}
    log = processes.folder / "notes.log"
    command = [sys.executable, "-m", "tests.system.second_service", "--port", str(port)]
    command += ["--broken", broken] if broken else []
    processes.start("notes", command, env=os.environ | configuration, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    await processes.ready("notes", lambda: _answers(f"{url}/readyz"), [log])
    connection = await asyncpg.connect(postgres.owner_url)
    await connection.execute(GRANTED + OLD_NOTES)
    await connection.close()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Team(
        url,
        {
            "NETRA_TOKENS__SIGNING_SECRET": pem,
            "NETRA_TOKENS__SERVICE_KEY": service_key,
            "NETRA_DATABASE__URL": postgres.verify_url,
            "NETRA_WRITING__CONFIRM": "notes",
        },
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@contextmanager
def notes_beside(broken: str = "") -> Iterator[Team]:
    """The same for a test that is not asynchronous."""
    with asyncio.Runner() as runner:
        stack = notes_up(broken)
        team = runner.run(stack.__aenter__())
        try:
            yield team
        finally:
            runner.run(stack.__aexit__(None, None, None))


async def hold(folder: Path) -> None:
    """Hold the service until we are interrupted; write its environment."""
    done = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, done.set)
    if stat.S_ISFIFO(os.fstat(0).st_mode):  # held by a test: however that one ends, we end with it
        asyncio.get_running_loop().add_reader(0, done.set)
    async with notes_up() as team:
        await asyncio.to_thread(_write, folder, team)
        print(  # noqa: T201 - a command of its own
            f"notes is up at {team.url}; `. {folder}/environment` has what lets us in; Ctrl-C ends it"
        )
        await done.wait()


def _write(folder: Path, team: Team) -> None:
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in team.environment.items()]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "environment").write_text("".join([*lines, f"export NOTES={team.url}\n"]), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(hold(Path(sys.argv[1])))
