"""PostgreSQL's wire protocol (version 3), as far as a relay needs it: messages, and the content of four kinds."""

import struct
from asyncio import StreamReader
from dataclasses import dataclass

TLS_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
YES_TLS, NO_TLS = b"S", b"N"
LONGEST_FIRST = 10_000  # the server's own limit; a client that begins with TLS at once seems to send megabytes
SHORTEST = 4  # the length counts itself
ANSWERED = (0, 12)  # authentication messages that expect no reply: done, and SASL's final one


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its type byte (empty for the first of a connection) and its payload."""

    kind: bytes
    payload: bytes

    @property
    def written(self) -> bytes:
        """The message on the wire."""
        return self.kind + struct.pack("!I", len(self.payload) + 4) + self.payload

    @property
    def code(self) -> int:
        """The number that a payload begins with; 0 for a payload that is too short to have one."""
        return int(struct.unpack("!I", self.payload[:4])[0]) if len(self.payload) >= 4 else 0  # noqa: PLR2004 - the size of an int

    @property
    def texts(self) -> list[str]:
        """The payload's zero-terminated texts."""
        return [part.decode(errors="replace") for part in self.payload.split(b"\0")]


async def read_first(reader: StreamReader) -> Message:
    """The first message of a connection, which has no type.

    Raises:
        asyncio.IncompleteReadError: The connection ended before.
        ConnectionAbortedError: The client begins with something else.
    """
    (length,) = struct.unpack("!I", await reader.readexactly(4))
    if not SHORTEST <= length <= LONGEST_FIRST:
        raise ConnectionAbortedError("the client does not begin as PostgreSQL's clients do")
    return Message(b"", await reader.readexactly(length - 4))


async def read_message(reader: StreamReader) -> Message:
    """The next message. Raises asyncio.IncompleteReadError at the connection's end."""
    kind = await reader.readexactly(1)
    (length,) = struct.unpack("!I", await reader.readexactly(4))
    return Message(kind, await reader.readexactly(length - 4))


def query(text: str) -> Message:
    """A simple query."""
    return Message(b"Q", text.encode() + b"\0")


def prepare(name: str, text: str) -> Message:
    """A statement without parameters, to be prepared."""
    return Message(b"P", name.encode() + b"\0" + text.encode() + b"\0" + struct.pack("!H", 0))


def first_value(row: Message) -> str:
    """The first column of a DataRow, as text; empty for NULL."""
    (length,) = struct.unpack("!i", row.payload[2:6])
    return row.payload[6 : 6 + length].decode(errors="replace") if length >= 0 else ""


@dataclass(frozen=True, slots=True)
class ServerError:
    """An ErrorResponse: its SQLSTATE and its message."""

    state: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} (SQLSTATE {self.state})"


def read_error(message: Message) -> ServerError:
    """Decode an ErrorResponse."""
    fields = {text[0]: text[1:] for text in message.texts if text}
    detail = f": {fields['D']}" if "D" in fields else ""
    return ServerError(fields.get("C", ""), fields.get("M", "") + detail)


def error_message(state: str, text: str) -> Message:
    """An ErrorResponse of our own."""
    return Message(
        b"E",
        b"".join(f"{key}{value}\0".encode() for key, value in {"S": "FATAL", "C": state, "M": text}.items()) + b"\0",
    )
