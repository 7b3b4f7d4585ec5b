"""Foreign JSON, read within bounds: UTF-8, finite numbers, a limited depth and number of values."""

import json
import math
import re
from typing import Any, NoReturn

from probes.foreign.excerpt import excerpt
from probes.foreign.limits import JSON_DEPTH, JSON_VALUES

# A whole string (or the rest of the text, where it has no end), or a bracket. Possessive: linear whatever is sent.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def read_json(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Parse one JSON document.

    Raises:
        ValueError: Not JSON by RFC 8259 (another encoding, NaN or Infinity, a number that no float holds), or
            over a bound of `probes.foreign.limits`; the text says which.
    """
    refuse_size(data)
    return json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)


def refuse_size(data: bytes) -> None:
    """Refuse what would cost too much to parse. Raises ValueError."""
    opened = data.count(b"[") + data.count(b"{")
    if opened > JSON_DEPTH and _is_deeper(data, JSON_DEPTH):
        raise ValueError(f"nested over {JSON_DEPTH} deep")
    # An upper bound: commas within strings count too, and one document has a value more than it has commas.
    if opened + data.count(b",") > JSON_VALUES and _separators(data) > JSON_VALUES:
        raise ValueError(f"over {JSON_VALUES} values")


def _is_deeper(data: bytes, most: int) -> bool:
    depth = 0
    for token in _TOKEN.finditer(data):
        first = data[token.start()]
        if first in b"[{":
            depth += 1
            if depth > most:
                return True
        elif first in b"]}":
            depth -= 1
    return False


def _separators(data: bytes) -> int:
    """Commas and opening brackets outside strings."""
    bare = re.sub(rb'"(?:[^"\\]++|\\.)*+"?', b"", data, flags=re.DOTALL)
    return bare.count(b",") + bare.count(b"[") + bare.count(b"{")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{excerpt(text, 40)} is more than a number can be")
    return value
