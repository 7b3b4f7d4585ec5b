"""The shapes that `metadata_` may have, as data: what is written, and what the API must answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ONE_MIB = 1024 * 1024
DEPTH = 50


class SqlNull:
    """The absence of a value, as opposed to JSON's own null."""


SQL_NULL = SqlNull()
Build = Callable[[str], Any]
OWNER = "<owner>"  # in a shape's text: the pair of key and name
OWNER_KEY = "user_id"  # in the shapes below; a layout may have another name for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One shape: its case id and how to build its value for an owner.

    `text` is written instead of the built value, with the owner in place of `OWNER`: for what no JSON library would
    write. `carries` says that if a row has no column for its title or its times, they go into this object.
    """

    id: str
    build: Build = field(default=lambda _owner: None)
    text: str = ""
    carries: bool = False
    poison: bool = False  # the column's own operators can't read it: never left in the table

    def value(self, owner: str, key: str = OWNER_KEY) -> Any:  # noqa: ANN401 - any JSON value
        """The value to write, with the owner's name under `key`; SQL_NULL for none at all."""
        if self.text:
            return json.loads(self._filled(owner, key))
        value = self.build(owner)
        if not isinstance(value, dict) or key == OWNER_KEY:
            return value
        return {key if name == OWNER_KEY else name: inner for name, inner in value.items()}

    def written(self, owner: str, key: str = OWNER_KEY) -> str | None:
        """The JSON text to write; None for SQL NULL."""
        if self.text:
            return self._filled(owner, key)
        value = self.value(owner, key)
        return None if isinstance(value, SqlNull) else json.dumps(value, ensure_ascii=False)

    def _filled(self, owner: str, key: str) -> str:
        return self.text.replace(OWNER, f"{json.dumps(key)}: {json.dumps(owner)}")


def _nested(owner: str) -> dict[str, Any]:
    value: dict[str, Any] = {"user_id": owner}
    for _ in range(DEPTH):
        value = {"deeper": value}
    return value | {"user_id": owner}


SHAPES = (
    Shape(id="sql-null", build=lambda _owner: SQL_NULL),
    Shape(id="json-null", build=lambda _owner: None),
    Shape(id="{}", build=lambda _owner: {}),
    Shape(id="[]", build=lambda _owner: []),
    Shape(id="[1]", build=lambda _owner: [1]),
    Shape(id='"text"', build=lambda _owner: "text"),
    Shape(id="number", build=lambda _owner: 42),
    Shape(id="true", build=lambda _owner: True),
    Shape(id="user_id null", build=lambda _owner: {"user_id": None}),
    Shape(id="user_id number", build=lambda _owner: {"user_id": 7}),
    Shape(id="user_id with spaces", build=lambda owner: {"user_id": f"  {owner}  "}),
    Shape(id="nested 50 deep", build=_nested),
    Shape(id="unicode and emoji", build=lambda owner: {"user_id": owner, "title": "Grüße 你好 🚀 \u202e"}),
    Shape(id="1 MiB", build=lambda owner: {"user_id": owner, "blob": "x" * ONE_MIB}),
    Shape(id="title number", build=lambda owner: {"user_id": owner, "title": 123}),
    Shape(id="title object", build=lambda owner: {"user_id": owner, "title": {"en": "Hello"}}),
    Shape(id="updated_at text", build=lambda owner: {"user_id": owner, "updated_at": "2025-09-07T10:00:00Z"}),
    Shape(id="updated_at fraction", build=lambda owner: {"user_id": owner, "updated_at": 1757239200.5}),
    Shape(
        id="extra keys", build=lambda owner: {"user_id": owner, "tags": ["a", 1, None], "nested": {"ok": True}, "": 0}
    ),
)
# What only a column that keeps JSON as text can hold; the first two are unreadable for its own operators.
TEXT_SHAPES = (
    Shape(id="NUL escape", text=r'{<owner>, "x": "\u0000"}', poison=True),
    Shape(id="lone surrogate", text=r'{<owner>, "x": "\ud83d"}', poison=True),
    Shape(id="duplicate keys", text='{<owner>, "topic": "first", "topic": "last"}'),
)
PLAIN = Shape(id="plain", build=lambda owner: {"user_id": owner}, carries=True)
