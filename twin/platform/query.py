"""The Logging query language, as far as its documentation goes for comparisons, AND, OR, NOT and parentheses."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

Entry = dict[str, Any]
Test = Callable[[Entry], bool]
Choose = Callable[[Iterable[float]], float]  # min or max
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
    return _joined(parts, any, first=min, last=max)


def _both(tokens: _Tokens) -> Filter:
    parts = [_negated(tokens)]
    while True:
        kind, word = tokens.peek()
        if (kind, word) == ("word", "AND"):
            tokens.take()
        elif kind == "end" or (kind, word) in {("word", "OR"), ("paren", ")")}:
            break
        parts.append(_negated(tokens))  # two tests side by side are joined by AND
    return _joined(parts, all, first=max, last=min)


def _joined(parts: list[Filter], hold: Callable[[Iterable[bool]], bool], *, first: Choose, last: Choose) -> Filter:
    """Filters as one, whose test asks `hold` of theirs and whose span begins and ends with the chosen of theirs."""
    if len(parts) == 1:
        return parts[0]
    tests = [part.test for part in parts]
    return Filter(
        lambda entry: hold(test(entry) for test in tests),
        first(part.since for part in parts),
        last(part.until for part in parts),
    )


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
    return Filter(_comparison(word, operator, wanted), *_span(word, operator, wanted))


def _span(path: str, operator: str, wanted: str) -> tuple[float, float]:
    if path != "timestamp" or operator not in {"=", ">", ">=", "<", "<="}:
        return -EVER, EVER
    moment = nanoseconds(wanted)
    return (-EVER if "<" in operator else moment), (EVER if ">" in operator else moment)


def _unquote(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word[:1] == '"' else word


def _comparison(path: str, operator: str, wanted: str) -> Test:
    keys = [_unquote(part) for part in re.findall(r'"[^"]*"|[^.]+', path)]
    matcher = _pattern(wanted) if operator in {"=~", "!~"} else None

    def test(entry: Entry) -> bool:
        value = _find(entry, keys)
        if matcher is not None:
            hit = value is not None and matcher.search(str(value)) is not None
            return hit if operator == "=~" else not hit
        if operator == ":":
            return value is not None and (wanted == "*" or wanted.lower() in str(value).lower())
        if value is None:
            return operator == "!="
        return _compare(keys[-1], value, operator, wanted)

    return test


def _pattern(wanted: str) -> re.Pattern[str]:
    try:
        return re.compile(wanted)
    except re.error as error:
        raise QueryError(f"{wanted!r} is not a regular expression: {error}") from error


def _find(entry: Entry, keys: list[str]) -> object:
    value: object = entry
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return "DEFAULT" if keys == ["severity"] else None
        value = value[key]
    return value


def _compare(key: str, value: object, operator: str, wanted: str) -> bool:
    left, right = _ordered(key, value, wanted)
    result: bool = {
        "=": left == right,
        "!=": left != right,
        ">": left > right,
        ">=": left >= right,
        "<": left < right,
        "<=": left <= right,
    }[operator]
    return result


def _ordered(key: str, value: object, wanted: str) -> tuple[Any, Any]:
    """Both sides in an order: severities by rank, times by their digits, numbers as numbers, else text."""
    if key == "severity":
        return _rank(str(value)), _rank(wanted)
    if key in TIMES:
        return nanoseconds(str(value)), nanoseconds(wanted)
    if isinstance(value, int | float):
        try:
            return float(value), float(wanted)
        except ValueError as error:
            raise QueryError(f"{wanted!r} is not a number") from error
    return str(value), wanted


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
