"""The Logging query language, as far as its documentation goes for comparisons, AND, OR, NOT and parentheses."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import Any

Entry = dict[str, Any]
Test = Callable[[Entry], bool]
Choose = Callable[[Iterable[float]], float]  # min or max
Holds = Callable[[object], bool]  # of a field's value
EVER = math.inf
LONGEST = 20_000
SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<op>>=|<=|!=|=~|!~|=|>|<|:)|(?P<paren>[()])"""
    r"""|(?P<word>[^\s()=<>!:"]+(?:\."[^"]*"[^\s()=<>!:"]*)*))""",
)
TIME = re.compile(
    r"(?P<whole>\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?(?P<offset>[Zz]|[+-]\d\d:?\d\d)?"
)
TIMES = frozenset({"timestamp", "receiveTimestamp"})
ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    ">": gt,
    ">=": ge,
    "<": lt,
    "<=": le,
}


class QueryError(Exception):
    """A filter that the API would refuse."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A test of entries, and the time stamps between which everything lies that passes it, in nanoseconds since 1970.

    The span is what an index is for: a store looks at the entries within it, and at no others.
    """

    test: Test
    since: float = -EVER
    until: float = EVER
    equality: tuple[str, str] | None = None  # the field and the text that it has to be, if that is all there is to it


@dataclass(slots=True)
class _Tokens:
    items: list[tuple[str, str]]
    at: int = 0

    def peek(self) -> tuple[str, str]:
        return self.items[self.at] if self.at < len(self.items) else ("end", "")

    def take(self) -> tuple[str, str]:
        item = self.peek()
        self.at += 1
        return item


def parse(text: str) -> Filter:
    """A filter from its text. Raises QueryError."""
    if len(text) > LONGEST:
        raise QueryError(f"the filter is longer than {LONGEST} characters")
    tokens = _Tokens(_tokenise(text))
    if tokens.peek()[0] == "end":
        return Filter(lambda _entry: True)
    parsed = _either(tokens)
    if tokens.peek()[0] != "end":
        raise QueryError(f"unparsable filter at {tokens.peek()[1]!r}")
    return parsed


def _tokenise(text: str) -> list[tuple[str, str]]:
    items, at = [], 0
    text = text.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise QueryError(f"unparsable filter at {text[at : at + 20]!r}")
        kind = match.lastgroup or ""
        items.append((kind, match.group(kind)))
        at = match.end()
        while at < len(text) and text[at].isspace():
            at += 1
    return items


def _either(tokens: _Tokens) -> Filter:
    parts = [_both(tokens)]
    while tokens.peek() == ("word", "OR"):
        tokens.take()
        parts.append(_both(tokens))
    return _among(parts) or _joined(parts, _one_holds, first=min, last=max)


def _both(tokens: _Tokens) -> Filter:
    parts = [_negated(tokens)]
    while True:
        kind, word = tokens.peek()
        if (kind, word) == ("word", "AND"):
            tokens.take()
        elif kind == "end" or (kind, word) in {("word", "OR"), ("paren", ")")}:
            break
        parts.append(_negated(tokens))  # two tests side by side are joined by AND
    return _joined(parts, _all_hold, first=max, last=min)


def _joined(parts: list[Filter], join: Callable[[Sequence[Test]], Test], *, first: Choose, last: Choose) -> Filter:
    """Filters as one, whose test joins theirs and whose span begins and ends with the chosen of theirs."""
    if len(parts) == 1:
        return parts[0]
    return Filter(
        join([part.test for part in parts]),
        first(part.since for part in parts),
        last(part.until for part in parts),
    )


def _among(parts: list[Filter]) -> Filter | None:
    """Equalities of one field as one look into a set: a query names the traces of a hundred requests."""
    equalities = [part.equality for part in parts if part.equality]
    paths, wanted = {path for path, _ in equalities}, {text for _, text in equalities}
    if len(parts) == 1 or len(equalities) < len(parts) or len(paths) > 1:
        return None
    field, one_holds = _field(paths.pop()), _one_holds([part.test for part in parts])

    def test(entry: Entry) -> bool:
        value = field(entry)
        return value in wanted if isinstance(value, str) else one_holds(entry)

    return Filter(test)


# A query looks at every entry of its span: a generator for each of them would be half of the time that it takes.
def _one_holds(tests: Sequence[Test]) -> Test:
    def test(entry: Entry) -> bool:
        for one in tests:  # noqa: SIM110 - see above
            if one(entry):
                return True
        return False

    return test


def _all_hold(tests: Sequence[Test]) -> Test:
    def test(entry: Entry) -> bool:
        for one in tests:  # noqa: SIM110 - see above
            if not one(entry):
                return False
        return True

    return test


def _negated(tokens: _Tokens) -> Filter:
    if tokens.peek() == ("word", "NOT"):
        tokens.take()
        test = _negated(tokens).test
        return Filter(lambda entry: not test(entry))
    return _single(tokens)


def _single(tokens: _Tokens) -> Filter:
    kind, word = tokens.take()
    if (kind, word) == ("paren", "("):
        parsed = _either(tokens)
        if tokens.take() != ("paren", ")"):
            raise QueryError("a parenthesis is not closed")
        return parsed
    if kind not in {"word", "string"}:
        raise QueryError(f"unparsable filter at {word!r}")
    if tokens.peek()[0] != "op":
        wanted = _unquote(word).lower()
        return Filter(lambda entry: wanted in str(entry).lower())
    _, operator = tokens.take()
    value_kind, value = tokens.take()
    if value_kind not in {"word", "string"}:
        raise QueryError(f"{word} {operator} lacks a value")
    wanted = _unquote(value)
    equality = (word, wanted) if operator == "=" and word not in {*TIMES, "severity"} else None
    return Filter(_comparison(word, operator, wanted), *_span(word, operator, wanted), equality)


def _span(path: str, operator: str, wanted: str) -> tuple[float, float]:
    if path != "timestamp" or operator not in {"=", ">", ">=", "<", "<="}:
        return -EVER, EVER
    moment = nanoseconds(wanted)
    return (-EVER if "<" in operator else moment), (EVER if ">" in operator else moment)


def _unquote(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word[:1] == '"' else word


def _comparison(path: str, operator: str, wanted: str) -> Test:
    field, holds = _field(path), _condition(_keys(path)[-1], operator, wanted)
    return lambda entry: holds(field(entry))


def _keys(path: str) -> list[str]:
    return [_unquote(part) for part in re.findall(r'"[^"]*"|[^.]+', path)]


def _field(path: str) -> Callable[[Entry], object]:
    """How to find a field's value in an entry; it finds None where there is none."""
    keys = _keys(path)
    lacking = "DEFAULT" if keys == ["severity"] else None

    def find(entry: Entry) -> object:
        value: Any = entry
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return lacking if value is None else value

    return find


def _condition(key: str, operator: str, wanted: str) -> Holds:
    """What has to hold for a field's value, None where there is none. Raises QueryError."""
    if operator in {"=~", "!~"}:
        found, hit = _pattern(wanted).search, operator == "=~"
        return lambda value: (value is not None and found(str(value)) is not None) is hit
    if operator == ":":
        part = wanted.lower()
        return lambda value: value is not None and (wanted == "*" or part in str(value).lower())
    compare, of_none = ORDERED[operator], operator == "!="
    sides = _sides(key, wanted)

    def holds(value: object) -> bool:
        return of_none if value is None else compare(*sides(value))

    return holds


def _pattern(wanted: str) -> re.Pattern[str]:
    try:
        return re.compile(wanted)
    except re.error as error:
        raise QueryError(f"{wanted!r} is not a regular expression: {error}") from error


def _sides(key: str, wanted: str) -> Callable[[object], tuple[Any, Any]]:
    """Both sides in an order: severities by rank, times by their digits, numbers as numbers, else text."""
    if key == "severity":
        rank = _rank(wanted)
        return lambda value: (_rank(str(value)), rank)
    if key in TIMES:
        moment = nanoseconds(wanted)
        return lambda value: (nanoseconds(str(value)), moment)
    return lambda value: (float(value), _number(wanted)) if isinstance(value, int | float) else (str(value), wanted)


def _number(wanted: str) -> float:
    try:
        return float(wanted)
    except ValueError as error:
        raise QueryError(f"{wanted!r} is not a number") from error


def _rank(severity: str) -> int:
    if severity.upper() not in SEVERITIES:
        raise QueryError(f"{severity!r} is not a severity: {', '.join(SEVERITIES)}")
    return SEVERITIES.index(severity.upper())


@lru_cache(maxsize=1 << 17)  # every page of a query looks at the same stamps again
def nanoseconds(text: str) -> int:
    """A time stamp of RFC 3339, with any offset and up to nine digits, since 1970. Raises QueryError."""
    match = TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)  # noqa: TRY301 - both ways to be wrong are answered in one place
        seconds = datetime.fromisoformat(match["whole"] + (match["offset"] or "Z").upper()).timestamp()
    except ValueError as error:
        raise QueryError(f"{text!r} is not an RFC 3339 time stamp") from error
    return int(seconds) * 10**9 + int((match["fraction"] or "0").ljust(9, "0"))
