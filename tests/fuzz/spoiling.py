"""Ways to spoil one field of a JSON value, or one header of an answer, drawn from a seed."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Place = tuple[Any, Any]  # a container and a key or an index in it
DEEP = 150
LONG = 50_000
RAW = '"\x00raw\x00"'  # stands for text that json.dumps would not write
OTHERS: tuple[Callable[[random.Random], Any], ...] = (
    lambda _: None,
    lambda _: True,
    lambda _: 0,
    lambda _: -1,
    lambda _: 1.5,
    lambda _: 10**30,
    lambda _: 2**63,
    lambda _: "",
    lambda _: "text",
    lambda _: "\ud800",
    lambda _: "\x00",
    lambda _: "9999-99-99T99:99:99Z",
    lambda _: [],
    lambda _: {},
    lambda _: [None],
    lambda _: [[]],
    lambda _: {"": None},
    lambda _: [{}],
    lambda draw: "x" * draw.choice([300, LONG]),
    lambda _: list(range(3000)),
    lambda _: deep([]),
    lambda _: deep({}),
)
RAWS = ("NaN", "Infinity", "-0", "1e400", "1E-400", '"\\ud800"', '{"a":1,"a":2}', "[" * 5000 + "]" * 5000)
WHOLES = (b"", b"null", b"[]", b"{}", b'"text"', b"7", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}", b"<html>", b" " * LONG)
HEADERS: dict[str, tuple[str, ...]] = {
    "content-type": ("", "text/html", "application/json; charset=\xff", ";;;"),
    "date": ("", "yesterday", "Wed, 99 Foo 2026 99:99:99 GMT", "Thu, 01 Jan 1970 00:00:00 -9999"),
    "server-timing": (
        "total",
        "total;dur=",
        'total;dur="x',
        "total;dur=1e999",
        ";;=,,",
        "total;dur=-1",
        "total;dur=NaN",
    ),
    "retry-after": ("-1", "9" * 400, "soon"),
    "location": ("javascript:alert(1)", "http://[::1", "//", "\xff"),
    "www-authenticate": ("", ",", 'Bearer realm="'),
    "cache-control": (",,,", "max-age=x", "max-age=" + "9" * 400, 'no-cache="', "=" * 50),
    "access-control-allow-origin": ("", "*", "null", "a, b", "https://[::1"),
    "access-control-allow-credentials": ("TRUE", ""),
    "access-control-max-age": ("x", "-1", "9" * 400),
    "vary": ("*", ",,"),
    "etag": ("W/", '"'),
}


def deep(kind: object) -> object:
    """A list in a list in a list, or objects alike."""
    value = kind
    for _ in range(DEEP):
        value = [value] if isinstance(kind, list) else {"a": value}
    return value


def places(value: object) -> Iterator[Place]:
    """Every place in a JSON value at which another value can be put."""
    stack: list[Any] = [value]
    while stack:
        inner = stack.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        for key in keys:
            yield inner, key
            stack.append(inner[key])


def spoil(draw: random.Random, body: bytes) -> bytes:
    """The body with one field missing, renamed, or of another kind; now and then wholly another body."""
    try:
        value = json.loads(body)
    except ValueError:
        return draw.choice(WHOLES)
    found = list(places(value))
    if not found or draw.random() < 0.1:
        return draw.choice(WHOLES)
    holder, key = draw.choice(found)
    way = draw.choice(["other", "other", "other", "raw", "missing", "renamed", "twice"])
    raw = draw.choice(RAWS) if way == "raw" else ""
    if way == "missing" or (way == "renamed" and isinstance(holder, list)):
        del holder[key]
    elif way == "renamed":
        holder[f"{key}x"] = holder.pop(key)
    elif way == "twice" and isinstance(holder, list):
        holder.append(holder[key])
    else:
        holder[key] = RAW[1:-1] if raw else draw.choice(OTHERS)(draw)
    return json.dumps(value).replace(json.dumps(RAW[1:-1]), raw or "null").encode()


def spoil_headers(draw: random.Random, headers: dict[str, str]) -> dict[str, str]:
    """The headers with one of another value, added where it is not there."""
    name = draw.choice(list(HEADERS))
    return headers | {name: draw.choice(HEADERS[name])}
