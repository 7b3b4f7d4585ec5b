"""A key that an object has twice: JSON's readers keep the last one, so that a 500 could hide behind a 200."""

import json
from collections.abc import Mapping
from typing import Any

REPEATED = "\0repeated"  # the key under which an object names its first repeated one: no log has it


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object from its pairs, marked if a key comes twice: for `object_pairs_hook`."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        found[REPEATED] = next(name for name in names if names.count(name) > 1)
    return found


def read_entry(line: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """One line as JSON, with marks. Raises ValueError and RecursionError, as `json.loads` does."""
    return json.loads(line, object_pairs_hook=once_each)


def repeated_in(*parts: Mapping[str, Any]) -> str:
    """The first key that one of these objects has twice; empty if none has."""
    return next((str(part[REPEATED]) for part in parts if REPEATED in part), "")
