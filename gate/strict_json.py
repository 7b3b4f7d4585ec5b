"""Values that strict JSON can hold: no NaN or Infinity; a number that is not finite becomes its name."""

import math
from collections.abc import Mapping
from typing import Any

JSON = Any  # any JSON value: only for attachments, and for what a reader prints unchanged


def plain(value: object) -> JSON:
    """A value as strict JSON: a number that is not finite becomes its name, other types become text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else word_for(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def is_deeper(value: JSON, most: int) -> bool:
    """Whether objects and lists are nested more than `most` deep; without recursion, so any depth is safe."""
    level = [value]
    for _ in range(most + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def word_for(value: float) -> str:
    """How a number that is not finite is written."""
    if math.isnan(value):
        return "not a number"
    return "infinite" if value > 0 else "minus infinite"


def finite(value: float | None) -> float | None:
    """The number, or None for one that JSON can't hold."""
    return value if value is None or math.isfinite(value) else None
