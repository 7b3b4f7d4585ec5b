"""The threads table: its columns, and where in a row its owner, title and times live."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from targets.contract.parts import Part


class Column(Part):
    """One column: whether it has to be there, and the types that the code supports."""

    presence: Literal["needed", "optional", "absent"]
    types: tuple[str, ...] = ()  # of one that is absent nobody asks


Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]  # of a column: it stands in our SQL as it is
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]*$")]  # of an object; empty: not there


class LayoutRules(Part):
    """Where what a row says is found: `probes.database.layout.Layout` has the same fields."""

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
    """Where messages live: `probes.database.messages.MessageLayout` has the same fields."""

    table: str
    id: Name
    thread: Name
    role: Name
    content: Name
    created_at: Name
    constants: dict[Name, str]


class DatabaseRules(Part):
    """What the code needs of the schema."""

    table: str
    version_table: str
    heads: frozenset[str]
    revisions: frozenset[str]
    columns: dict[str, Column]
    layout: LayoutRules
    messages: MessageTable

    @property
    def holds_any_text(self) -> bool:
        """Whether the metadata's column, by the contract, may keep JSON as text: escapes, duplicate keys and all."""
        column = self.columns.get(self.layout.metadata)
        return column is not None and bool({"json", "text"} & set(column.types))

    @model_validator(mode="after")
    def _the_owner_lives_somewhere(self) -> "DatabaseRules":
        column = self.columns.get(self.layout.owner)
        gone = column is None or column.presence == "absent"
        if gone and self.layout.owner_in == "column":
            raise ValueError(
                f"layout.owner_in is 'column', and columns.{self.layout.owner} is absent: say 'metadata' instead"
            )
        return self
