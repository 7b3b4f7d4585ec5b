"""A body is decoded as its Content-Encoding says, piece by piece, up to a bound on the wire and one after decoding."""

import asyncio
import gzip
import random
import zlib
from collections.abc import AsyncIterator
from functools import partial

import pytest

from probes.errors import BadAnswer
from probes.foreign.limits import BODY_BYTES, MIB, WIRE_BYTES
from probes.http.content import PIECE, read_body

GOOD = b'{"items": [1, 2, 3]}' * 50
LONG = random.Random(7).randbytes(3 * PIECE + 5)  # noqa: S311 - seeded; it does not shrink
BARE = zlib.compress(GOOD)[2:-4]  # deflate without zlib's frame
packed = partial(gzip.compress, mtime=0)  # without the time, so that a case has the same id in every process


async def of(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def in_steps(data: bytes, size: int) -> AsyncIterator[bytes]:
    return of(*(data[place : place + size] for place in range(0, len(data), size)))


async def refusal(encoding: str, *chunks: bytes) -> str:
    with pytest.raises(BadAnswer) as caught:
        await read_body(of(*chunks), encoding, "the request")
    assert caught.value.request == "the request"
    return caught.value.detail


@pytest.mark.parametrize("size", [97, PIECE - 1, PIECE, 10 * PIECE])
@pytest.mark.parametrize("body", [GOOD, LONG, b"\0" * (4 * PIECE), b""], ids=["short", "long", "dense", "empty"])
async def test_a_body_is_the_same_in_whatever_steps_it_comes(body: bytes, size: int) -> None:
    for encoding, wire in {
        "": body,
        "gzip": packed(body),
        "deflate": zlib.compress(body),
        "deflate, gzip": packed(zlib.compress(body)),
        "gzip, deflate": zlib.compress(packed(body)),
    }.items():
        assert await read_body(in_steps(wire, size), encoding, "a request") == body


async def test_a_body_may_come_byte_by_byte() -> None:
    for encoding, wire in {"gzip": packed(GOOD), "deflate": BARE, "gzip, gzip": packed(GOOD)}.items():
        sent = packed(wire) if "," in encoding else wire
        assert await read_body(in_steps(sent, 1), encoding, "a request") == GOOD


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip ", "identity, gzip", ",gzip,", "gzip, identity"])
async def test_a_coding_is_known_by_each_of_its_names(encoding: str) -> None:
    assert await read_body(of(packed(GOOD)), encoding, "a request") == GOOD


@pytest.mark.parametrize("size", [13, 10_000])
async def test_gzip_may_be_several_members(size: int) -> None:
    members = packed(GOOD) + packed(b"") + packed(LONG)
    assert await read_body(in_steps(members, size), "gzip", "a request") == GOOD + LONG


async def test_deflate_may_come_without_its_frame() -> None:
    assert await read_body(of(BARE), "deflate", "a request") == GOOD
    assert await read_body(of(BARE[:5], BARE[5:]), "deflate", "a request") == GOOD


async def test_what_is_decoded_only_after_the_last_byte_is_not_lost() -> None:
    for more in range(1, 300):  # within one repetition of deflate's, which is 258 bytes long at most
        body = b"\0" * (PIECE + more)
        assert await read_body(of(zlib.compress(body)[2:-4]), "deflate", "a request") == body


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_no_body_at_all_has_no_end_to_miss(encoding: str) -> None:
    assert await read_body(of(), encoding, "a request") == b""
    assert await read_body(of(b""), encoding, "a request") == b""


@pytest.mark.parametrize(
    "encoding, wire, said",
    [
        ("gzip", GOOD, "says Content-Encoding: gzip, and is not (Error -3 while decompressing data: incorrect header"),
        ("gzip", BARE, "says Content-Encoding: gzip, and is not ("),
        ("gzip", packed(GOOD) + b"junk", "says Content-Encoding: gzip, and is not ("),
        ("deflate", b"\xff" * 9, "says Content-Encoding: deflate, and is not ("),
        ("deflate", zlib.compress(GOOD) + b"x", "says Content-Encoding: deflate, and is not (bytes after the end)"),
        ("gzip", packed(GOOD)[:-1], "says Content-Encoding: gzip, and ends before its end"),
        ("deflate", zlib.compress(GOOD)[:-1], "says Content-Encoding: deflate, and ends before its end"),
        (
            "gzip, gzip",
            packed(packed(GOOD)[:-1]),
            "says Content-Encoding: gzip, gzip, and ends before its end",
        ),
        ("gzip, gzip, identity, gzip", b"", "Content-Encoding names 3 codings, one within the other"),
        ("br", b"", "says Content-Encoding: 'br', which was not asked for (gzip, deflate)"),
        ("y" * 50, b"", f"says Content-Encoding: '{'y' * 40}…', which was not asked for (gzip, deflate)"),
    ],
)
async def test_what_is_not_in_the_coding_that_it_names_is_said(encoding: str, wire: bytes, said: str) -> None:
    assert (await refusal(encoding, wire)).startswith(said)


async def test_deflate_that_fails_after_its_beginning_is_not_read_from_its_middle() -> None:
    begun = zlib.compress(GOOD)[:2] + b"\x01\x05\x00"  # the frame, and the first half of a stored block's head
    assert "and is not (" in await refusal("deflate", begun, BARE)


async def test_a_body_may_be_as_long_as_the_bounds_and_no_longer() -> None:
    full = b"x" * BODY_BYTES
    assert len(await read_body(of(b"x" * WIRE_BYTES), "", "a request")) == WIRE_BYTES
    assert len(await read_body(of(packed(full)), "gzip", "a request")) == BODY_BYTES
    assert await refusal("", b"x" * WIRE_BYTES, b"x") == "a body of over 16 MiB: reading was stopped"
    wire = packed(full + b"x")
    assert await refusal("gzip", wire) == f"{len(wire)} bytes of gzip become over {BODY_BYTES / MIB:g} MiB"


async def turns_beside(wire: bytes, encoding: str) -> int:
    """How often another task has its turn while a body that came at once is read."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    await read_body(of(wire), encoding, "a request")
    other.cancel()
    return turns


@pytest.mark.parametrize(
    "encoding, wire, pieces",
    [
        ("gzip", packed(b"\0" * (64 * PIECE)), 64),
        ("gzip, gzip", packed(packed(b"\0" * (64 * PIECE))), 64),
        ("gzip", packed(b"") * 500, 500),
        ("gzip, gzip", packed(b"") * 500 + packed(packed(GOOD)), 500),
        ("gzip, gzip", packed(packed(b"") * 500), 500),
    ],
    ids=["much", "much within much", "nothing often", "nothing outside", "nothing inside"],
)
async def test_others_have_their_turn_between_the_pieces_of_a_body(encoding: str, wire: bytes, pieces: int) -> None:
    assert await turns_beside(wire, encoding) >= pieces
