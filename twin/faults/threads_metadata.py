"""Faults of the threads endpoint in what metadata may be: one for each shape, and more."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.backend.seams import Seams

Row = dict[str, Any]


def rendering(seams: "Seams", change: Callable[[Row, Any], object]) -> Undo:
    """Have `change(item, metadata)` touch every item before it is answered."""
    healthy = seams.render_thread

    def render(row: Row) -> Row:
        item = healthy(row)
        written = row["metadata_text"]
        change(item, None if written is None else json.loads(written))
        return item

    return replace(seams, render_thread=render)


@fault("threads.none-for-dict", place="backend", seen="as found on 7 January: metadata_.get() on a NULL row")
def none_for_dict(seams: "Seams") -> Undo:
    """`None` is used as a dict; SQL NULL and JSON null both arrive as None."""

    def change(item: Row, metadata: Any) -> None:  # noqa: ANN401 - whatever the row holds
        if metadata is None:
            nothing: Any = metadata
            item["user_id"] = nothing.get("user_id")

    return rendering(seams, change)


@fault("threads.key-error-on-empty-object", place="backend", seen="metadata['user_id'] instead of .get()")
def key_error(seams: "Seams") -> Undo:
    """An object without the key raises KeyError."""
    return rendering(seams, lambda _item, metadata: isinstance(metadata, dict) and metadata["user_id"])


@fault("threads.dict-of-anything", place="backend", seen="dict(thread.metadata_) in a response model")
def dict_of_anything(seams: "Seams") -> Undo:
    """Arrays and scalars are turned into a dict: [] becomes {}, the others raise."""

    def change(item: Row, metadata: Any) -> None:  # noqa: ANN401 - as above
        if metadata is not None:
            item["metadata"] = dict(metadata)

    return rendering(seams, change)


@fault("threads.first-of-array", place="backend", seen="an older client wrote [{...}], and its reader stayed")
def first_of_array(seams: "Seams") -> Undo:
    """The first element of an array is used as the object."""

    def change(_item: Row, metadata: Any) -> None:  # noqa: ANN401 - as above
        if isinstance(metadata, list) and metadata:
            metadata[0]["user_id"]

    return rendering(seams, change)


@fault("threads.text-parsed-twice", place="backend", seen="a remedy for double-encoded metadata, without a guard")
def parsed_twice(seams: "Seams") -> Undo:
    """A JSON string is parsed again as JSON."""
    return rendering(seams, lambda _item, metadata: isinstance(metadata, str) and json.loads(metadata))


@fault("threads.key-looked-up-in-number", place="backend", seen="'user_id' in metadata, where metadata is 42")
def key_in_number(seams: "Seams") -> Undo:
    """`in` on a number or a boolean raises TypeError."""
    return rendering(seams, lambda _item, metadata: metadata is not None and "user_id" in metadata)


@fault("threads.scalars-passed-through", place="backend", seen="metadata: Any in the response model")
def scalars_passed_through(seams: "Seams") -> Undo:
    """The answer has whatever the column holds, object or not."""
    return rendering(seams, lambda item, metadata: item.update(metadata=metadata))


@fault("threads.user-id-stripped", place="backend", seen="metadata['user_id'].strip() on null and on numbers")
def user_id_stripped(seams: "Seams") -> Undo:
    """The metadata's user id is used as a string."""

    def change(_item: Row, metadata: Any) -> None:  # noqa: ANN401 - as above
        if isinstance(metadata, dict) and "user_id" in metadata:
            metadata["user_id"].strip()

    return rendering(seams, change)


@fault("threads.title-from-metadata", place="backend", seen="the service's own code: title: str in the response model")
def title_from_metadata(seams: "Seams") -> Undo:
    """The title comes from the metadata, and the response model refuses anything but text."""

    def change(item: Row, metadata: Any) -> None:  # noqa: ANN401 - as above
        title = metadata.get("title") if isinstance(metadata, dict) else None
        if title is not None and not isinstance(title, str):
            raise TypeError("title: input should be a valid string")
        item["title"] = item["title"] if title is None else title

    return rendering(seams, change)


@fault("threads.updated-at-from-metadata", place="backend", seen="the service's own code: updated_at: int in the model")
def updated_at_from_metadata(seams: "Seams") -> Undo:
    """The time of the last change comes from the metadata, and the response model refuses anything but an integer."""

    def change(item: Row, metadata: Any) -> None:  # noqa: ANN401 - as above
        moment = metadata.get("updated_at") if isinstance(metadata, dict) else None
        if moment is not None and not isinstance(moment, int):
            raise TypeError("updated_at: input should be a valid integer")
        item["updated_at"] = item["updated_at"] if moment is None else moment

    return rendering(seams, change)


@fault("threads.depth-limited", place="backend", seen="a recursive sanitiser with a limit of 32 levels")
def depth_limited(seams: "Seams") -> Undo:
    """Deeply nested metadata raises."""

    def walk(value: Any, depth: int = 0) -> None:  # noqa: ANN401 - any JSON value
        if depth > 32:  # noqa: PLR2004 - the sanitiser's limit
            raise ValueError("metadata is nested too deep")
        for inner in value.values() if isinstance(value, dict) else ():
            walk(inner, depth + 1)

    return rendering(seams, lambda _item, metadata: walk(metadata))


@fault("threads.latin-1-metadata", place="backend", seen="a log line or header written in latin-1")
def latin_1(seams: "Seams") -> Undo:
    """Text beyond latin-1 raises."""
    return rendering(seams, lambda _item, metadata: json.dumps(metadata, ensure_ascii=False).encode("latin-1"))


@fault("threads.metadata-cut-at-64k", place="backend", seen="a proxy table's TEXT(65535)")
def cut_at_64k(seams: "Seams") -> Undo:
    """Metadata is cut before it is parsed."""
    healthy = seams.render_thread

    def render(row: Row) -> Row:
        written = row["metadata_text"]
        return healthy(row | {"metadata_text": written and written[:65_535]})

    return replace(seams, render_thread=render)


@fault("threads.lists-in-metadata-dropped", place="backend", seen="a serialiser that knows str, number and dict")
def lists_dropped(seams: "Seams") -> Undo:
    """Keys whose value is a list vanish."""

    def change(item: Row, metadata: Any) -> None:  # noqa: ANN401 - as above
        if isinstance(metadata, dict):
            item["metadata"] = {key: value for key, value in metadata.items() if not isinstance(value, list)}

    return rendering(seams, change)


def _also(seams: "Seams", condition: str) -> Undo:
    """Narrow the rows of the owner's column by one more condition."""
    return replace(seams.repository, by_column=f"{seams.repository.by_column} AND {condition}")


@fault("threads.null-rows-dropped", place="backend", seen="Fix 3's isnot(None) without its fallback")
def null_rows_dropped(seams: "Seams") -> Undo:
    """Rows whose metadata is SQL NULL are left out."""
    return _also(seams, "metadata_ IS NOT NULL")


@fault("threads.json-null-dropped", place="backend", seen="an ORM's none_as_null and a filter on 'null'")
def json_null_dropped(seams: "Seams") -> Undo:
    """Rows whose metadata is JSON null are left out."""
    return _also(seams, "metadata_::text IS DISTINCT FROM 'null'")


@fault("threads.empty-array-dropped", place="backend", seen="jsonb_array_length(...) > 0 in a view")
def empty_array_dropped(seams: "Seams") -> Undo:
    """Rows whose metadata is an empty array are left out."""
    return _also(seams, "metadata_::text IS DISTINCT FROM '[]'")


@fault("threads.owner-compared-again", place="backend", seen="a second check of metadata.user_id after the query")
def owner_compared_again(seams: "Seams") -> Undo:
    """Rows whose metadata names the user in another spelling are left out."""
    return _also(
        seams, "COALESCE(CASE WHEN jsonb_typeof(metadata_) = 'object' THEN metadata_ ->> 'user_id' END, :user) = :user"
    )


@fault("threads.user-id-cast-to-number", place="backend", seen="the user id bound as an integer")
def user_id_cast(seams: "Seams") -> Undo:
    """Rows whose metadata has a number for the user are compared as numbers, and lost."""
    return _also(seams, "jsonb_typeof(metadata_ -> 'user_id') IS DISTINCT FROM 'number'")
