"""Ten thousand sessions in one process, plain and over TLS, compared with aiohttp and picows on the same work."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.figures import Figure
from probes.client_health.vitals import make_room
from probes.errors import ClientUnfit

COUNT, HOLD_S = 10_000, 45.0
BESIDE = ("aiohttp", "picows")
CLIENT_S = 240.0


def certificate_in(folder: Path) -> Path:
    """A certificate of our own for 127.0.0.1, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=5))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


@asynccontextmanager
async def serving(certificate: Path | None) -> AsyncIterator[str]:
    """The server in a process of its own; yields its URL."""
    words = ["-m", "bench.websocket_server", *([str(certificate)] if certificate else [])]
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
    try:
        if process.stdout is None:
            raise RuntimeError("the server has no stdout")
        port = int(await process.stdout.readline())
        yield f"{'wss' if certificate else 'ws'}://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _client(kind: str, certificate: Path | None) -> dict[str, Any]:
    """One kind of client in a process of its own, against a server of its own."""
    async with serving(certificate) as url:
        words = ["-m", "bench.websocket_client", kind, url, str(COUNT), str(HOLD_S)]
        words += [str(certificate)] if certificate else []
        process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(CLIENT_S):
            output, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"the {kind} client ended with {process.returncode}")
        figures: dict[str, Any] = json.loads(output)
        return figures


async def measure() -> list[Figure]:
    """All figures of this file."""
    try:
        make_room(COUNT)  # inherited by server and clients
    except ClientUnfit as error:
        raise SystemExit(f"bench: {error}") from error
    with tempfile.TemporaryDirectory() as folder:
        certificate = certificate_in(Path(folder))
        plain = {kind: await _client(kind, None) for kind in ("ours", *BESIDE)}
        tls = {kind: await _client(kind, certificate) for kind in ("ours", *BESIDE)}
    lost = plain["ours"]["lost"] + tls["ours"]["lost"]
    return [
        Figure(
            name=f"opens per second over picows', {COUNT:,} sessions",
            value=plain["ours"]["opens_a_second"] / plain["picows"]["opens_a_second"],
            limit=0.6,
            unit="x",
            beside=f"ours {plain['ours']['opens_a_second']:.0f}, {_others(plain, 'opens_a_second', 0)}",
            at_least=True,
        ),
        _figure("memory per session, plain", plain, "kib_a_session", 16, unit="KiB", digits=1),
        _figure("memory per session, TLS", tls, "kib_a_session", 80, unit="KiB", digits=1),
        _figure("loop lag while held", plain, "lag_ms", 25, unit="ms", digits=1),
        _figure("share of a core at 20 s pings", plain, "core", 0.06, digits=3),
        Figure(name="false disconnects, plain and TLS", value=lost, limit=0, beside=_others(plain, "lost", 0)),
    ]


def _figure(
    name: str, clients: dict[str, dict[str, Any]], key: str, limit: float, *, unit: str = "", digits: int = 0
) -> Figure:
    return Figure(name=name, value=clients["ours"][key], limit=limit, unit=unit, beside=_others(clients, key, digits))


def _others(clients: dict[str, dict[str, Any]], key: str, digits: int) -> str:
    return ", ".join(f"{kind} {clients[kind][key]:.{digits}f}" for kind in BESIDE)
