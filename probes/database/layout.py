"""Where the contents of a row are found: the names of its columns, and what is in its metadata."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal


def quoted(name: str) -> str:
    """A column's name for a statement: a bare `user` is the role that asks, and a bare `userId` is `userid`."""
    return '"{}"'.format(name.replace('"', '""'))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The names of a row's columns, and whether its owner lives in a column, in the metadata, or in either."""

    id: str = "id"
    object: str = "object"
    object_value: str = "thread"  # the value of that column
    owner: str = "user_id"
    title: str = "title"
    metadata: str = "metadata_"
    created_at: str = "created_at"
    updated_at: str = "updated_at"
    deleted_at: str = "deleted_at"
    owner_in: Literal["column", "metadata", "either"] = "either"
    owner_key: str = "user_id"  # in metadata
    title_key: str = "title"  # in metadata, if there is no such column
    updated_at_key: str = "updated_at"

    def in_sql(self) -> "Layout":
        """The same with each column's name quoted, for statements."""
        return replace(
            self,
            id=quoted(self.id),
            object=quoted(self.object),
            owner=quoted(self.owner),
            title=quoted(self.title),
            metadata=quoted(self.metadata),
            created_at=quoted(self.created_at),
            updated_at=quoted(self.updated_at),
            deleted_at=quoted(self.deleted_at),
        )

    def owner_column(self, columns: Collection[str]) -> str:
        """The column that decides who owns a row; empty if only the metadata does."""
        return self.owner if self.owner_in != "metadata" and self.owner in columns else ""
