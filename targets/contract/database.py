"""The threads table: its columns, and where a row has its owner, title and times."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from targets.contract.parts import Part


class Column(Part):
    """One column: whether it must exist, and the types that the code supports."""

    presence: Literal["needed", "optional", "absent"]
    types: tuple[str, ...] = ()  # empty for an absent column


Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]  # of a column: our SQL uses it as it is
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]*$")]  # of an object; empty: there is none


REVISION = re.compile(r"\s*([^\s()]+)(?:\s+\([^()]*\))*\s*")  # and what alembic prints behind it: its labels, (head)


def _revision(text: str) -> str:
    """The id alone of a revision as `alembic heads` prints it, such as `0004_times (threads) (head)`."""
    found = REVISION.fullmatch(text)
    if not found:
        raise ValueError(
            "must be one revision's id, or its line as `alembic heads` prints it: give each revision separately"
        )
    return found[1]


Revision = Annotated[str, AfterValidator(_revision)]


class LayoutRules(Part):
    """Where a row has its values: `probes.database.layout.Layout` has the same fields."""

    id: Name
    metadata: Name
    owner: Name
    title: Name
    created_at: Name
    updated_at: Name
    deleted_at: Name
    object: Name
    object_value: str
    owner_in: Literal["column", "metadata", "either"]
    owner_key: Key
    title_key: Key
    updated_at_key: Key


class MessageTable(Part):
    """The table of messages: `probes.database.messages.MessageLayout` has the same fields."""

    table: str
    id: Name
    thread: Name
    role: Name
    content: Name
    created_at: Name
    constants: dict[Name, str]


class DatabaseRules(Part):
    """What the code requires of the database schema."""

    table: str
    version_table: str
    heads: frozenset[Revision]
    revisions: frozenset[Revision]
    columns: dict[str, Column]
    layout: LayoutRules
    messages: MessageTable

    @property
    def holds_any_text(self) -> bool:
        """Whether the metadata column, by the contract, may store JSON as text, with escapes and duplicate keys."""
        column = self.columns.get(self.layout.metadata)
        return column is not None and bool({"json", "text"} & set(column.types))

    @model_validator(mode="after")
    def _the_owner_lives_somewhere(self) -> "DatabaseRules":
        column = self.columns.get(self.layout.owner)
        gone = column is None or column.presence == "absent"
        if gone and self.layout.owner_in == "column":
            raise ValueError(
                f"layout.owner_in is 'column', but columns.{self.layout.owner} is absent: write 'metadata' instead"
            )
        return self
