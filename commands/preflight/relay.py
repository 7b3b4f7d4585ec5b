"""A relay between alembic and the scratch server that sees every statement of every driver and observes its effects.

It is the only address that the process with the env.py may reach. On each connection it first verifies that the server
is the scratch server, and before and after each statement it takes a snapshot on the same connection
(`snapshot.QUERY`), unnoticed by the driver.
"""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from commands.preflight import wire
from commands.preflight.grammar import is_quiet, split
from commands.preflight.outside import Object, find_made, find_outside, refusal
from commands.preflight.snapshot import QUERY, Snapshot, read_snapshot
from commands.preflight.wire import Message, ServerError, read_first, read_message

IDENTITY = "SELECT system_identifier::text || '/' || current_database() FROM pg_catalog.pg_control_system()"
IDLE, IN_TRANSACTION, FAILED = b"I", b"T", b"E"
COMPLETES = b"123nTCIs"  # each completes one message of the extended protocol
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One statement of a revision: the snapshots before and after it, or its error."""

    revision: str
    statement: str
    before: Snapshot
    after: Snapshot | None
    error: ServerError | None
    in_transaction: bool


@dataclass(slots=True, kw_only=True)
class Relay:
    """Listens on loopback. The caller sets `revision` to the running one; while it is empty, nothing is observed."""

    host: str
    port: int
    identity: str
    tls: ssl.SSLContext | None = None  # for a client that asks for it; the server is asked without
    certificate: Path | None = None  # what such a client has to trust
    revision: str = ""
    observed: list[Observed] = field(default_factory=list)
    made: set[Object] = field(default_factory=set)  # outside of the database: roles, other databases
    strangers: list[str] = field(default_factory=list)  # identities of servers that were not the scratch server
    _server: asyncio.Server | None = None
    _busy: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> int:
        """Start listening; return the port."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Close every connection and stop listening."""
        if self._server is not None:
            self._server.close()
        for task in list(self._busy):
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            first = await read_first(reader)
            while first.code in {wire.TLS_REQUEST, wire.GSS_REQUEST}:
                await self._encrypt(writer, first)
                first = await read_first(reader)
            server_reader, server_writer = await asyncio.open_connection(self.host, self.port)
            try:
                server_writer.write(first.written)
                if first.code != wire.CANCEL_REQUEST:
                    await _Conversation(
                        relay=self,
                        reader=reader,
                        writer=writer,
                        server_reader=server_reader,
                        server_writer=server_writer,
                    ).hold()
            finally:
                await _end(server_writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # one side has closed, so we close the other
        finally:
            await _end(writer)

    async def _encrypt(self, writer: StreamWriter, asked: Message) -> None:
        if asked.code == wire.TLS_REQUEST and self.tls is not None:
            writer.write(wire.YES_TLS)
            await writer.start_tls(self.tls)
        else:
            writer.write(wire.NO_TLS)


async def _end(writer: StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


@dataclass(slots=True, kw_only=True)
class _Conversation:
    relay: Relay
    reader: StreamReader
    writer: StreamWriter
    server_reader: StreamReader
    server_writer: StreamWriter
    status: bytes = IDLE
    before: Snapshot | None = None
    error: ServerError | None = None
    prepared: dict[str, str] = field(default_factory=dict)
    portals: dict[str, str] = field(default_factory=dict)
    pending: int = 0

    async def hold(self) -> None:
        await self._log_in()
        executed: list[str] = []
        while (message := await read_message(self.reader)).kind != b"X":
            if not executed and self.status == IDLE and message.kind in b"QP":
                await self._look()
            if message.kind == b"Q":
                await self._simple(message)
                continue
            executed += self._note(message)
            self.server_writer.write(self._let_through(message).written)
            if message.kind == b"S":
                ready = await self._until_ready()
                await self._watch(executed)
                executed = []
                self.writer.write(ready.written)
            elif message.kind == b"H":
                await self._until_answered()
        self.server_writer.write(message.written)

    async def _log_in(self) -> None:
        while (message := await read_message(self.server_reader)).kind != b"Z":
            self.writer.write(message.written)
            if message.kind == b"E":
                raise ConnectionAbortedError(wire.read_error(message).text)
            if message.kind == b"R" and message.code not in wire.ANSWERED:
                self.server_writer.write((await read_message(self.reader)).written)
        identity = await self._ask(IDENTITY)
        if identity != self.relay.identity:
            self.relay.strangers.append(identity)
            self.writer.write(wire.error_message("28000", "this is not the scratch server").written)
            raise ConnectionAbortedError(identity)
        self.writer.write(message.written)

    def _note(self, message: Message) -> list[str]:
        """Follow the extended protocol; return the executed statement, if any."""
        texts = message.texts
        if message.kind == b"P":
            self.prepared[texts[0]] = texts[1]
        elif message.kind == b"B":
            self.portals[texts[0]] = self.prepared.get(texts[1], "")
        self.pending += message.kind in (b"P", b"B", b"D", b"E", b"C")
        return [self.portals.get(texts[0], "")] if message.kind == b"E" else []

    def _let_through(self, message: Message) -> Message:
        if message.kind != b"P":
            return message
        name, text = message.texts[:2]
        allowed = self._allowed(text)
        return message if allowed == text else wire.prepare(name, allowed)

    def _allowed(self, text: str) -> str:
        """A text as the server may get it: without what changes other databases of the server, or its roles."""
        outside = find_outside(text, self.relay.identity.partition("/")[2]) - self.relay.made
        self.relay.made |= find_made(text)
        return refusal(outside) if outside else text

    async def _simple(self, message: Message) -> None:
        """A simple query; inside a transaction its statements are sent one by one, so that each can be watched."""
        text = message.texts[0]
        parts = split(text) if self.status == IN_TRANSACTION else [text]
        for part in parts:
            self.server_writer.write(wire.query(self._allowed(part)).written)
            ready = await self._until_ready()
            await self._watch([part])
            if self.status == FAILED:
                break
        self.writer.write(ready.written)

    async def _until_ready(self) -> Message:
        """Pass on the server's messages except ReadyForQuery, which is returned."""
        while (message := await read_message(self.server_reader)).kind != b"Z":
            if message.kind == b"E":
                self.error = wire.read_error(message)
            self.writer.write(message.written)
            if message.kind == b"G":
                await self.writer.drain()
                await self._copy_in()
        self.status, self.pending = message.payload, 0
        return message

    async def _copy_in(self) -> None:
        while True:
            message = await read_message(self.reader)
            self.server_writer.write(message.written)
            await self.server_writer.drain()
            if message.kind in b"cf":
                return

    async def _until_answered(self) -> None:
        """After a Flush there is no ReadyForQuery: read until every message so far is answered, or one failed."""
        while self.pending:
            message = await read_message(self.server_reader)
            self.writer.write(message.written)
            if message.kind == b"E":
                self.error, self.pending = wire.read_error(message), 0
            self.pending -= message.kind in COMPLETES

    async def _look(self) -> None:
        if self.relay.revision:
            self.before = read_snapshot(await self._ask(QUERY))

    async def _watch(self, statements: list[str]) -> None:
        """Record the effects of statements. Statements that ran together count as one."""
        loud = [text for text in statements if not is_quiet(text)]
        error, self.error = self.error, None
        if not self.relay.revision or not (loud or error) or self.before is None:
            return
        after = None if error or self.status == FAILED else read_snapshot(await self._ask(QUERY))
        text = "; ".join(dict.fromkeys(loud)) or "; ".join(statements)
        self.relay.observed.append(
            Observed(
                revision=self.relay.revision,
                statement=text,
                before=self.before,
                after=after,
                error=error,
                in_transaction=self.status != IDLE,
            )
        )
        self.before = after or self.before

    async def _ask(self, text: str) -> str:
        """Our own query on this connection; the client does not see the answer."""
        self.server_writer.write(wire.query(text).written)
        answer, problem = "", None
        while (message := await read_message(self.server_reader)).kind != b"Z":
            if message.kind == b"D":
                answer = wire.first_value(message)
            elif message.kind == b"E":
                problem = wire.read_error(message)
        if problem:
            raise ConnectionAbortedError(str(problem))
        return answer
