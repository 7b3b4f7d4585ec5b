"""A small HTTP server for self-tests that answers as a test decides, and TLS that no client has reason to trust."""

import asyncio
import ipaddress
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.loopback import LOOPBACK, listening

END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. `delay_s` before it; `date_off_s` is how far the server's clock is ahead; `raw` replaces it all."""

    status: int = 200
    body: bytes = b"{}"
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    date_off_s: float = 0.0
    raw: bytes | None = None
    close: bool = False

    def written(self) -> bytes:
        """The answer on the wire."""
        if self.raw is not None:
            return self.raw
        date = formatdate(time.time() + self.date_off_s, usegmt=True)
        whole = {"Date": date, "Content-Type": self.kind, "Content-Length": str(len(self.body)), **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in whole.items())
        return f"HTTP/1.1 {self.status} Said\r\n{head}\r\n".encode() + self.body


@dataclass(slots=True)
class Server:
    """Where it is, and what it heard: the heads of all requests."""

    url: str
    heard: list[bytes] = field(default_factory=list)


Decide = Callable[[bytes], Reply]  # by the request's head


@asynccontextmanager
async def serving(decide: Decide, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server on loopback in this event loop."""
    server = Server("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not await _answer_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # the client has what it wanted

    async def _answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection ends with it."""
        head = await reader.readuntil(END_OF_HEAD)
        await reader.readexactly(length_in(head))
        server.heard.append(head)
        reply = decide(head)
        await asyncio.sleep(reply.delay_s)
        writer.write(reply.written())
        await writer.drain()
        return reply.close

    async with listening(serve, tls=tls) as port:
        server.url = f"{'https' if tls else 'http'}://{LOOPBACK}:{port}"
        yield server


def length_in(head: bytes) -> int:
    """The length of the body that a request's head announces."""
    lines = head.lower().split(b"\r\n")
    return next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)


@contextmanager
def serving_beside(decide: Decide, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """The same in a thread of its own, for tests that run a whole process against it."""
    up, ready = threading.Event(), list[Server]()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def hold() -> None:
        async with serving(decide, tls) as server:
            ready.append(server)
            up.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(hold(),), daemon=True)
    thread.start()
    assert up.wait(10), "the server did not start"
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """TLS for loopback by a certificate that signs itself, and the certificate's path, for a client to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "self-signed.invalid")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context, certificate
