"""The shapes that `metadata_` is found in, as data: what is written, and what the API must answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ONE_MIB = 1024 * 1024
DEPTH = 50


class SqlNull:
    """The absence of a value, as opposed to JSON's own null."""


SQL_NULL = SqlNull()
Build = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape: its case id and how to build its value for an owner."""

    id: str
    build: Build

    def written(self, owner: str) -> str | None:
        """The JSON text to write; None for SQL NULL."""
        value = self.build(owner)
        return None if isinstance(value, SqlNull) else json.dumps(value, ensure_ascii=False)

    def answer(self, owner: str) -> dict[str, Any] | None:
        """What the API must answer for `metadata`: the object as written, null for everything that is none."""
        value = self.build(owner)
        return value if isinstance(value, dict) else None


def _nested(owner: str) -> dict[str, Any]:
    value: dict[str, Any] = {"user_id": owner}
    for _ in range(DEPTH):
        value = {"deeper": value}
    return value | {"user_id": owner}


SHAPES = (
    Shape("sql-null", lambda _owner: SQL_NULL),
    Shape("json-null", lambda _owner: None),
    Shape("{}", lambda _owner: {}),
    Shape("[]", lambda _owner: []),
    Shape("[1]", lambda _owner: [1]),
    Shape('"text"', lambda _owner: "text"),
    Shape("number", lambda _owner: 42),
    Shape("true", lambda _owner: True),
    Shape("user_id null", lambda _owner: {"user_id": None}),
    Shape("user_id number", lambda _owner: {"user_id": 7}),
    Shape("user_id with spaces", lambda owner: {"user_id": f"  {owner}  "}),
    Shape("nested 50 deep", _nested),
    Shape("unicode and emoji", lambda owner: {"user_id": owner, "title": "Grüße 你好 🚀 \u202e"}),
    Shape("1 MiB", lambda owner: {"user_id": owner, "blob": "x" * ONE_MIB}),
    Shape("extra keys", lambda owner: {"user_id": owner, "tags": ["a", 1, None], "nested": {"ok": True}, "": 0}),
)
PLAIN = Shape("plain", lambda owner: {"user_id": owner})
