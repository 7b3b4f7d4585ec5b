"""Foreign JSON, read within bounds: UTF-8, finite numbers, a limited depth and number of values."""

import json
import math
import re
from itertools import accumulate
from typing import Any, NoReturn

from probes.foreign.excerpt import excerpt
from probes.foreign.limits import JSON_DEPTH, JSON_VALUES

# A whole string, or the rest of the text where it has no end. Possessive: linear whatever is sent.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DEEPER = [(byte in b"[{") - (byte in b"]}") for byte in range(256)]


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
    # Upper bounds: a string may contain brackets and commas, too.
    if opened <= JSON_DEPTH and opened + data.count(b",") <= JSON_VALUES:
        return
    bare = _STRING.sub(b"", data)
    if _is_deeper(bare, JSON_DEPTH):
        raise ValueError(f"nested over {JSON_DEPTH} deep")
    # A document has a value more than it has commas, and each bracket opens one more.
    if bare.count(b",") + bare.count(b"[") + bare.count(b"{") > JSON_VALUES:
        raise ValueError(f"over {JSON_VALUES} values")


def _is_deeper(bare: bytes, most: int) -> bool:
    """Whether JSON without its strings is nested more than `most` deep anywhere."""
    depths = accumulate(map(_DEEPER.__getitem__, bare.translate(None, _NO_BRACKETS)))
    return next(filter(most.__lt__, depths), None) is not None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{excerpt(text, 40)} is more than a number can be")
    return value
