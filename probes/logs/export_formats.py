"""The forms an exported log comes in, opened as a stream: NDJSON, a JSON array, the client library's envelope; gzip."""

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from probes.errors import SourceRefused
from probes.foreign.excerpt import excerpt
from probes.logs.export_files import open_file
from probes.logs.repeated_keys import once_each

CHUNK = 1 << 20
HEAD = 1 << 16
GZIP = b"\x1f\x8b"
PACKED: Mapping[bytes, str] = {
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    GZIP: "gzip twice",
}
WANTED = "wanted is JSON, as from gcloud logging read --format=json"
BLANK = b" \t\r\n\xef\xbb\xbf"  # white space, and the mark that some editors begin a file with
ENVELOPE = re.compile(rb'\s*\{\s*(?:"nextPageToken"\s*:\s*"([^"\\]*)"\s*,\s*)?"entries"\s*:\s*\[')
AFTER_ENVELOPE = re.compile(r'\s*(?:,\s*"nextPageToken"\s*:\s*"([^"]*)"\s*)?\}\s*')
# PowerShell's `>` writes UTF-16. The longer marks first: the first two bytes of UTF-32's are UTF-16's.
MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
Form = Literal["lines", "array", "envelope", "objects"]


@dataclass(slots=True, kw_only=True)
class Export:
    """An opened export: its form, and its bytes from the beginning."""

    url: str
    form: Form
    stream: BinaryIO
    plain: Path | None  # where it can be read in pieces: a local file, not compressed
    begin: int = 0  # of an array, the character where its first element may be
    more: str = ""  # an envelope's token for a next page


@contextmanager
def open_export(url: str) -> Iterator[Export]:
    """Open a file, or anything that fsspec knows by URL, and find out its form.

    Raises:
        SourceRefused: Unreadable, empty, or nothing that begins like a log export.
    """
    try:
        with open_file(url, CHUNK) as raw:
            compressed = raw.peek(2)[:2] == GZIP
            stream = gzip.GzipFile(fileobj=raw) if compressed else raw
            # A buffer of our own around either, for `peek`: both read like raw streams.
            with io.BufferedReader(cast("io.RawIOBase", stream), HEAD) as buffered:
                head = buffered.peek(HEAD)
                encoding = next((name for mark, name in MARKS.items() if head.startswith(mark)), "")
                if encoding:
                    with io.BufferedReader(_AsUtf8(buffered, encoding), HEAD) as recoded:
                        yield _recognise(url, recoded, None)
                    return
                _refuse_binary(url, head)
                local = Path(url.removeprefix("file://"))
                plain = local if not compressed and local.is_file() else None
                yield _recognise(url, buffered, plain)
    except ImportError as error:
        raise SourceRefused(
            url, f"can't be read: {error}. It is an extra: pip install 'netra-verify[stores]'"
        ) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise SourceRefused(url, f"can't be read: {type(error).__name__}: {error}") from error


class _AsUtf8(io.RawIOBase):
    """A stream of another encoding, read as UTF-8 bit by bit. Raises UnicodeError for what the encoding is not."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._stream = stream
        self._decode = codecs.getincrementaldecoder(encoding)().decode
        self._ready = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer, as in the base class
        """Fill the buffer as far as there is something; 0 at the end."""
        while not self._ready:
            data = self._stream.read(HEAD)
            self._ready = self._decode(data, not data).encode()
            if not data and not self._ready:
                return 0
        taken, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _refuse_binary(url: str, head: bytes) -> None:
    packed = next((name for mark, name in PACKED.items() if head.startswith(mark)), "")
    if packed:
        raise SourceRefused(url, f"is packed with {packed}: unpack it first, or pack it with gzip")
    if b"\0" in head:
        raise SourceRefused(url, "holds NUL bytes: neither UTF-8 nor UTF-16 with a byte order mark")


def _recognise(url: str, stream: "io.BufferedReader[Any]", plain: Path | None) -> Export:
    head = stream.peek(HEAD)
    text = head.lstrip(BLANK)
    if not text:
        raise SourceRefused(url, "is empty: an export without entries proves nothing")
    begin = len(head) - len(text)
    if text[:1] == b"[":
        return Export(url=url, form="array", stream=stream, plain=plain, begin=_characters(head[: begin + 1]))
    if text[:1] != b"{":
        begins = f"it begins with {excerpt(text, 20)!r} ({WANTED})"
        raise SourceRefused(url, f"is cut in the middle or no log export: {begins}")
    envelope = ENVELOPE.match(text)
    if envelope:
        past = _characters(head[: begin + envelope.end()])
        return Export(
            url=url, form="envelope", stream=stream, plain=plain, begin=past, more=(envelope[1] or b"").decode()
        )
    line, newline, _ = text.partition(b"\n")
    whole = line.rstrip().endswith(b"}") if newline else len(head) >= HEAD or line.rstrip().endswith(b"}")
    return Export(url=url, form="lines" if whole else "objects", stream=stream, plain=plain)


def _characters(data: bytes) -> int:
    return len(data.decode())  # a byte order mark is three bytes and one character


def iterate_objects(export: Export) -> Iterator[dict[str, Any]]:
    """Every entry of an array, of an envelope, or of objects one after another; holds one chunk at a time.

    Raises:
        SourceRefused: Cut in the middle, or holding something else than objects.
    """
    reader = _Text(export)
    reader.text = reader.text[export.begin :]
    listed = export.form != "objects"
    between = " \t\r\n," if listed else " \t\r\n\ufeff"
    while True:
        reader.skip(between)
        character = reader.peek()
        if character == "{":
            yield reader.take_object()
        elif listed and character == "]":
            reader.at += 1
            _end(export, reader)
            return
        elif not character and not listed:
            return
        else:
            raise SourceRefused(export.url, _wrong(character))


def _wrong(character: str) -> str:
    return f"is not a list of entries: {character!r} where one should begin" if character else "is cut in the middle"


def _end(export: Export, reader: "_Text") -> None:
    rest = reader.rest()
    if export.form == "array" and not rest.strip():
        return
    after = AFTER_ENVELOPE.fullmatch(rest) if export.form == "envelope" else None
    if after is None:
        raise SourceRefused(
            export.url, f"is cut in the middle or no log export: {excerpt(rest, 60)!r} after its last entry"
        )
    export.more = export.more or after[1] or ""


class _Text:
    """A stream as text, decoded bit by bit; what was taken is forgotten."""

    def __init__(self, export: Export) -> None:
        self.text = ""
        self.at = 0
        self._url = export.url
        self._stream = export.stream
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._json = json.JSONDecoder(object_pairs_hook=once_each)
        self._ended = False
        self._more(HEAD)

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        data = self._stream.read(size)
        self._ended = not data
        self.text = self.text[self.at :] + self._decode(data, self._ended)
        self.at = 0
        return not self._ended

    def skip(self, characters: str) -> None:
        """Go past these."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in characters:
                self.at += 1
            if self.at < len(self.text) or not self._more(CHUNK):
                return

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def take_object(self) -> dict[str, Any]:
        """The object that begins here, whole. Raises SourceRefused where the stream ends before it does."""
        while True:
            try:
                value, self.at = self._json.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                # Twice as much each time: an entry of many chunks is not parsed again for every one of them.
                if self._more(max(CHUNK, len(self.text) - self.at)):
                    continue
                raise SourceRefused(self._url, f"is cut in the middle or no log export: {error}") from error
            except RecursionError as error:
                raise SourceRefused(self._url, "holds an entry that is nested too deep to be read") from error
            found: dict[str, Any] = value
            return found

    def rest(self) -> str:
        """Everything that is left."""
        while self._more(CHUNK):
            pass
        return self.text[self.at :]
