"""The second safety net for secrets: known values in every common encoding, and whatever looks like a credential.

The first net is that a secret's own type can't be printed. This one is for what comes back from outside: a server
that repeats our key, a library that prints what it sent. Its cost is linear in the text, whatever the text is.
"""

import base64
import html
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

from gate.credential_rules import RULES, STARS
from gate.text_rules import apply

SHORTEST_SECRET = 6  # a shorter value would black out ordinary words
BLOCK = 6
SHORTEST_PIECE = 2 * BLOCK - 1  # a piece of this length contains at least one whole block of the text
SHORTEST_REMAINDER = 4  # next to a mark where the text was cut; fewer characters reveal nothing
LONGEST_KEPT, MOST_KEPT = 200, 20_000  # characters of a text known to be clean, and how many such texts
CUTS = re.compile(r"…|\.\.\.|\\{1,8}u2026")  # `probes.foreign.excerpt`'s mark, plain and in JSON; and pytest's
TOKENS = re.compile(r"[A-Za-z0-9_.-]{12,}")
JWT_BEGINS = "eyJ"  # base64 of {" of a header, or of a payload
Place = tuple[str, int]  # a spelling, and where in it


class Concealed(Protocol):
    """A secret as the gate sees it: it prints as stars, and only redaction reads its text."""

    def reveal(self) -> str:
        """The text."""
        ...


class Redactor:
    """Replaces secrets in text and in JSON values. Its own repr shows no secret."""

    __slots__ = ("_blocks", "_clean", "_heads", "_pieces", "_places_of", "_public", "_short", "_spellings", "_tails")

    def __init__(self, secrets: Iterable[Concealed] = ()) -> None:
        self._public: set[str] = set()  # words that stay, whatever a secret has in common with them
        self._clean: set[str] = set()  # texts without any secret: a document repeats most of its texts
        self._short: set[str] = set()
        self._blocks: set[str] = set()  # every six characters in a row of a spelling
        self._pieces: set[str] = set()  # every eleven
        self._spellings: dict[str, None] = {}  # in the order in which they were learned
        # Where a piece stands is looked up when a text has it: a long secret has millions, and most texts have none.
        self._places_of: dict[str, list[Place]] = {}
        self._heads: set[str] = set()  # how a spelling begins: what a cut may leave of it before its mark
        self._tails: set[str] = set()  # how it ends
        for secret in secrets:
            self.learn(secret)

    def __repr__(self) -> str:
        return "<Redactor>"

    def learn(self, secret: Concealed) -> None:
        """Add a secret, such as a token obtained by a login during the run."""
        text = secret.reveal()
        if len(text) < SHORTEST_SECRET:
            return
        self._clean.clear()
        self._places_of.clear()
        for spelling, (head, tail) in _with_remainders(text).items():
            self._heads |= {spelling[:size] for size in range(head, min(len(spelling), SHORTEST_PIECE))}
            self._tails |= {spelling[-size:] for size in range(tail, min(len(spelling), SHORTEST_PIECE))}
            if len(spelling) < SHORTEST_PIECE:
                self._short.add(spelling)
                continue
            if spelling in self._spellings:
                continue
            self._spellings[spelling] = None
            self._blocks.update([spelling[at : at + BLOCK] for at in range(len(spelling) - BLOCK + 1)])
            self._pieces.update(
                [spelling[at : at + SHORTEST_PIECE] for at in range(len(spelling) - SHORTEST_PIECE + 1)]
            )

    def spare(self, words: Iterable[str]) -> None:
        """Leave public words as they are: names of checks, of the target, of the revision.

        A secret such as `service-key-of-…` has a piece in common with them. A secret as a whole is never spared.
        """
        self._public |= {_folded(word) for word in words if len(word) >= SHORTEST_PIECE}

    def text(self, text: str) -> str:
        """The text without secrets, and without lone surrogates, which no file can hold."""
        if text in self._clean:
            return text
        clean = text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
        clean = self._without_known(clean)
        clean = TOKENS.sub(_without_jwt, clean) if JWT_BEGINS in clean else clean
        clean = apply(RULES, clean)
        if clean == text and len(text) <= LONGEST_KEPT and len(self._clean) < MOST_KEPT:
            self._clean.add(text)
        return clean

    def json(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value in, the same shape out
        """The JSON value with every string in it redacted, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.json(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(item) for item in value]
        return value

    def leaks(self, text: str) -> bool:
        """Whether the text contains a known secret, in any of its encodings, whole or in part."""
        return next(self._places(text), None) is not None

    def _without_known(self, text: str) -> str:
        parts, done = [], 0
        for start, end in self._places(text):
            parts += [text[done:start]] if start >= done else []
            parts += [STARS] if start > done or not parts or parts[-1] != STARS else []
            done = max(done, end)
        return "".join([*parts, text[done:]]) if parts else text

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """The spans of secrets, in order. They may touch and overlap."""
        folded = _folded(text)
        yield from sorted([*self._short_places(folded), *self._long_places(folded), *self._cut_places(folded)])

    def _short_places(self, folded: str) -> Iterator[tuple[int, int]]:
        for spelling in self._short:
            at = folded.find(spelling)
            while at >= 0:
                yield at, at + len(spelling)
                at = folded.find(spelling, at + len(spelling))

    def _cut_places(self, folded: str) -> Iterator[tuple[int, int]]:
        """Partial secrets next to cut marks that are too short to be recognised elsewhere."""
        sizes = range(SHORTEST_PIECE - 1, SHORTEST_REMAINDER - 1, -1)
        for mark in CUTS.finditer(folded) if self._heads else ():
            start, end = mark.span()
            before = next((size for size in sizes if size <= start and folded[start - size : start] in self._heads), 0)
            after = next((size for size in sizes if folded[end : end + size] in self._tails), 0)
            yield from [(start - before, start)] if before else []
            yield from [(end, end + after)] if after else []

    def _long_places(self, folded: str) -> Iterator[tuple[int, int]]:
        """Looks up every sixth block of six; around a known block, pieces; a known piece is extended."""
        blocks, done = self._blocks, 0
        if not blocks:
            return
        for at in range(0, len(folded) - BLOCK + 1, BLOCK):
            if at < done or folded[at : at + BLOCK] not in blocks:
                continue
            for first in range(max(0, at - BLOCK + 1), at + 1):
                piece = folded[first : first + SHORTEST_PIECE]
                if piece in self._pieces:
                    start, done = _longest(folded, first, self._where(piece))
                    if not self._is_public(folded, start, done):
                        yield start, done
                    break

    def _where(self, piece: str) -> list[Place]:
        """The encodings with a piece, and its first and last position in each, which differ if it is repeated."""
        if piece not in self._places_of:
            holding = [spelling for spelling in self._spellings if piece in spelling]
            self._places_of[piece] = [
                (spelling, at) for spelling in holding for at in {spelling.find(piece), spelling.rfind(piece)}
            ]
        return self._places_of[piece]

    def _is_public(self, folded: str, start: int, end: int) -> bool:
        """Whether a stretch that a secret has, too, is in a public word, and not a whole secret."""
        if any(folded[start:end] == spelling for spelling, _ in self._where(folded[start : start + SHORTEST_PIECE])):
            return False
        return any(
            folded.find(word, max(0, end - len(word)), start + len(word)) >= 0
            for word in self._public
            if len(word) >= end - start
        )


def _folded(text: str) -> str:
    """The text with A to Z in small letters and all others as they are, so that its length stays the same."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _without_jwt(match: re.Match[str]) -> str:
    before, begins, rest = match[0].partition(JWT_BEGINS)
    head, dot, _ = rest.partition(".")
    return f"{before}[redacted JWT]" if begins and dot and len(head) >= SHORTEST_SECRET else match[0]


def _longest(text: str, at: int, candidates: Sequence[Place]) -> tuple[int, int]:
    """The longest stretch around a piece of the text that also occurs in an encoding."""
    best = (at, at)
    for spelling, where in candidates:
        if at >= where and text.startswith(spelling, at - where):
            place = (at - where, at - where + len(spelling))
        else:
            place = _agreeing(text, at, spelling, where)
        best = max(best, place, key=lambda one: one[1] - one[0])
    return best


def _agreeing(text: str, at: int, spelling: str, where: int) -> tuple[int, int]:
    """How far text and encoding agree around a common piece."""
    start, end = at, at + SHORTEST_PIECE
    back, forth = where - 1, where + SHORTEST_PIECE
    while start > 0 and back >= 0 and text[start - 1] == spelling[back]:
        start, back = start - 1, back - 1
    while end < len(text) and forth < len(spelling) and text[end] == spelling[forth]:
        end, forth = end + 1, forth + 1
    return start, end


def _with_remainders(text: str) -> dict[str, tuple[int, int]]:
    """Every encoding, and how long its beginning and end must be to reveal something of the secret.

    An escape is long and reveals little: `&#39;` is one character, and is common at cuts.
    """
    found: dict[str, tuple[int, int]] = {}
    ends = text[:SHORTEST_REMAINDER], text[-SHORTEST_REMAINDER:]
    for spelling, head, tail in zip(_spellings(text), *map(_spellings, ends), strict=True):
        form = _folded(spelling)
        known = found.get(form, (len(form), len(form)))
        least = [max(SHORTEST_REMAINDER, len(end)) for end in (head, tail)]
        found[form] = min(known[0], least[0]), min(known[1], least[1])
    return found


def _spellings(secret: str) -> Iterator[str]:
    """The secret as files, headers, URLs and programs encode it; the search ignores case.

    Encodings are often nested: a body is JSON, and its excerpt is a `repr`.
    """
    raw = secret.encode("utf-8", "surrogatepass")
    once = [secret, *(write(secret) for write in WRITERS)]
    yield from once
    yield from (write(form) for form in once for write in WRITERS)
    yield from (raw.hex(), raw.hex(" "), raw.hex(":"), "".join(f"\\x{byte:02x}" for byte in raw))
    yield from _base64(raw)


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _as_shell_escapes(text: str) -> str:
    """The text between the quotes, which are not part of the secret and often end a cut text."""
    quoted = shlex.quote(text)
    return quoted[1:-1] if quoted != text else text


def _as_jinja_escapes(text: str) -> str:
    return html.escape(text, quote=False).replace('"', "&#34;").replace("'", "&#39;")


WRITERS: tuple[Callable[[str], str], ...] = (
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    lambda text: repr(_bytes_of(text))[2:-1],
    _as_shell_escapes,
    html.escape,
    lambda text: html.escape(text, quote=False),
    _as_jinja_escapes,
    lambda text: text.replace("\\", r"\\").replace("'", r"\'"),  # libpq's
    lambda text: text.replace("'", "''"),  # SQL's
    lambda text: quote(_bytes_of(text), safe=""),
    lambda text: quote(_bytes_of(text)),
    lambda text: quote_plus(_bytes_of(text)),
    lambda text: "".join(f"%{byte:02x}" for byte in _bytes_of(text)),
)


def _base64(raw: bytes) -> Iterator[str]:
    """Its base64 after 0, 1 and 2 other bytes, without the characters shared with its neighbours."""
    for before in range(3):
        whole = (len(raw) + before) // 3 * 3 - before  # bytes that end with a group of four characters
        for coded in (base64.b64encode, base64.urlsafe_b64encode):
            text = coded(b"\0" * before + raw[:whole]).decode()
            yield text[(before * 8 + 5) // 6 :]
            if before == 0:
                yield coded(raw).decode().rstrip("=")
