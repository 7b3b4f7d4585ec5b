"""WebSockets that are spoiled: frames against RFC 6455, closes of any kind, half-closed ends, and floods."""

import asyncio
import random
import struct
from collections.abc import Callable

MIB = 1024 * 1024
TEXT, CLOSE, PING = 0x81, 0x88, 0x89
MOST_SHORT, MOST_MEDIUM = 125, 0xFFFF
ODD_MESSAGES = (b"[]", b"null", b"1e999", b'"text"', b'{"type": []}', b'{"type": "pong", "data": 7}', b"")
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Frames = Callable[[random.Random, bytes], bytes]  # what the server sent after its head; returns what is sent


def frame(first: int, payload: bytes, *, mask: bool = False) -> bytes:
    """One frame as a server (or, masked, a client) writes it."""
    flag = 0x80 if mask else 0
    if len(payload) <= MOST_SHORT:
        head = bytes([first, flag | len(payload)])
    elif len(payload) <= MOST_MEDIUM:
        head = bytes([first, flag | 126]) + struct.pack("!H", len(payload))
    else:
        head = bytes([first, flag | 127]) + struct.pack("!Q", len(payload))
    return head + (bytes(4) if mask else b"") + payload


def _close(code: int, reason: bytes = b"") -> Frames:
    return lambda _draw, data: data + frame(CLOSE, struct.pack("!H", code) + reason)


SOCKET_MODES: dict[str, Frames] = {
    "half-closed socket": lambda _d, data: data,  # and its end: see `tunnel`
    "reset socket": lambda _d, data: data,
    "silent socket": lambda _d, _data: b"",
    "close 1000": _close(1000, b"bye"),
    "close 1005": _close(1005),
    "close 1006": _close(1006),
    "close 1012": _close(1012, b"restart"),
    "close 1015": _close(1015),
    "close 4999": _close(4999, b"x" * 123),
    "close 999": _close(999),
    "close 65535": _close(65535),
    "close without a code": lambda _d, data: data + frame(CLOSE, b""),
    "close of one byte": lambda _d, data: data + frame(CLOSE, b"\x03"),
    "close with a reason that is not text": _close(1008, b"\xff\xfe\x80"),
    "close twice": lambda _d, data: data + frame(CLOSE, b"\x03\xe8") * 2 + data,
    "masked frames": lambda _d, data: frame(TEXT, b'{"type": "pong"}', mask=True) + data,
    "reserved bits": lambda _d, data: frame(TEXT | 0x70, b"{}") + data,
    "unknown opcode": lambda _d, data: frame(0x83, b"{}") + data,
    "text that is not UTF-8": lambda _d, data: frame(TEXT, b"\xff\xfe\xfd") + data,
    "a long control frame": lambda _d, data: frame(PING, b"x" * 126) + data,
    "a fragment without end": lambda _d, data: frame(0x01, b'{"type": ') + data,
    "continuation of nothing": lambda _d, data: frame(0x80, b"{}") + data,
    "a frame of 2^63": lambda _d, data: data + bytes([TEXT, 127]) + b"\xff" * 8,
    "pings without end": lambda _d, data: data + frame(PING, b"x") * 20_000,
    "messages without end": lambda _d, data: data + frame(TEXT, b'{"type": "noise"}') * 20_000,
    "JSON of any kind": lambda draw, data: frame(TEXT, draw.choice(ODD_MESSAGES)) + data,
    "deep messages": lambda _d, data: frame(TEXT, b'{"type":' * 900 + b"1" + b"}" * 900) + data,
    "binary messages": lambda _d, data: frame(0x82, b"\x00\x01") + data,
    "other bytes": lambda draw, _data: draw.randbytes(40),
    "cut frames": lambda _d, data: data[: len(data) // 2],
    "frames twice": lambda _d, data: data * 2,
    "101 with another key": lambda _d, data: data,
    "101 with an extension": lambda _d, data: data,
    "101 with a subprotocol": lambda _d, data: data,
}
HEADS: dict[str, Callable[[bytes], bytes]] = {
    "101 with another key": lambda head: head.replace(b"ccept: ", b"ccept: x"),
    "101 with an extension": lambda head: head + b"\r\nSec-WebSocket-Extensions: permessage-deflate",
    "101 with a subprotocol": lambda head: head + b"\r\nSec-WebSocket-Protocol: other",
}


async def tunnel(near: Ends, far: Ends, mode: str, draw: random.Random) -> int:
    """Carry a WebSocket whose handshake was sent; spoil it by its mode, once. Returns how often it was spoiled.

    A mode of another kind spoils some chunk in any way; an empty one leaves everything as it is.
    """
    _, spoiled = await asyncio.gather(_upward(near[0], far[1]), _downward(far[0], near[1], mode, draw))
    return spoiled


async def _upward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(MIB):
        writer.write(data)
    writer.close()


async def _downward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mode: str, draw: random.Random) -> int:
    """Carry what the server sends, spoiled by the mode; returns how often it was spoiled."""
    spoiled = 0
    head, end, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n\r\n")
    writer.write(HEADS.get(mode, bytes)(head) + end + rest)
    kind = mode if mode in SOCKET_MODES or not mode else draw.choice(["other bytes", "cut frames", "frames twice"])
    while data := await reader.read(MIB):
        if kind and (not spoiled or kind == "silent socket"):
            spoiled += 1
            data = SOCKET_MODES[kind](draw, data)
        writer.write(data)
        await writer.drain()
        if kind == "half-closed socket":
            writer.write_eof()
            return spoiled
        if kind == "reset socket":
            writer.transport.abort()
            return spoiled
    writer.close()
    return spoiled
