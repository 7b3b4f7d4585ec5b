"""Faults of what is stored of a new thread, or of a change: values made to fit, and more changed than was said."""

import re
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace as altered
from datetime import datetime
from typing import TYPE_CHECKING, Any

from twin.faults.threads_one import reworded
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from twin.backend.bodies import Draft
    from twin.backend.seams import Seams

WIDE, NARROW = 255, 50
CONFLICT = 409
BLOCKED_S = 0.6
WRITTEN = "updated_at = now(), title"


def _storing(seams: "Seams", change: "Callable[[Draft], Draft]") -> Undo:
    """Store something else than what was read of a body."""
    healthy = seams.read_draft

    async def read(request: "Request") -> "Draft":
        return change(await healthy(request))

    return replace(seams, read_draft=read)


def _titling(seams: "Seams", change: Callable[[str], str]) -> Undo:
    return _storing(seams, lambda draft: altered(draft, title=change(draft.title) if draft.title else draft.title))


def _describing(seams: "Seams", change: Callable[[Any], Any]) -> Undo:
    return _storing(seams, lambda draft: altered(draft, metadata=draft.metadata and change(draft.metadata)))


@fault("threads.title-cut-at-255", place="backend", seen="a title cut to what its column holds, without a word")
def title_cut_at_255(seams: "Seams") -> Undo:
    """A title loses what is behind its 255th character."""
    return _titling(seams, lambda title: title[:WIDE])


@fault("threads.title-cut-at-50", place="backend", seen="the preview of the sidebar, stored as the title")
def title_cut_at_50(seams: "Seams") -> Undo:
    """A title loses what is behind its 50th character."""
    return _titling(seams, lambda title: title[:NARROW])


@fault("threads.title-capitalised", place="backend", seen="str.capitalize() for the looks of a list")
def title_capitalised(seams: "Seams") -> Undo:
    """A title begins with a capital letter, whatever was written."""
    return _titling(seams, lambda title: title[:1].upper() + title[1:])


@fault("threads.title-in-compatible-form", place="backend", seen='unicodedata.normalize("NFKC", title), for a search')
def title_in_compatible_form(seams: "Seams") -> Undo:
    """A title is stored as it is searched for."""
    return _titling(seams, lambda title: unicodedata.normalize("NFKC", title))


@fault("threads.title-on-one-line", place="backend", seen='" ".join(title.split()), for the looks of a list')
def title_on_one_line(seams: "Seams") -> Undo:
    """Line breaks and double blanks of a title become one blank."""
    return _titling(seams, lambda title: " ".join(title.split()))


def _each(value: Any, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - any JSON value
    """The value with each text and number in it changed."""
    if isinstance(value, dict):
        return {key: _each(one, change) for key, one in value.items()}
    return [_each(one, change) for one in value] if isinstance(value, list) else change(value)


@fault("threads.metadata-texts-trimmed", place="backend", seen="str_strip_whitespace=True for every model")
def metadata_texts_trimmed(seams: "Seams") -> Undo:
    """Texts of the metadata lose the blanks at their ends."""
    return _describing(seams, lambda known: _each(known, lambda one: one.strip() if isinstance(one, str) else one))


@fault("threads.metadata-fractions-rounded", place="backend", seen="an encoder with six places, for shorter bodies")
def metadata_fractions_rounded(seams: "Seams") -> Undo:
    """Fractions of the metadata are stored with six places."""
    return _describing(seams, lambda known: _each(known, lambda one: round(one, 6) if isinstance(one, float) else one))


@fault("threads.title-invisibles-dropped", place="backend", seen="a filter against invisible characters: category Cf")
def title_invisibles_dropped(seams: "Seams") -> Undo:
    """A sign that several characters make falls apart."""
    return _titling(seams, lambda title: "".join(one for one in title if unicodedata.category(one) != "Cf"))


@fault("threads.metadata-texts-as-numbers", place="backend", seen="a form's values: int(value) if value.isdigit()")
def metadata_texts_as_numbers(seams: "Seams") -> Undo:
    """Texts of the metadata that look like numbers become numbers."""

    def read(one: Any) -> Any:  # noqa: ANN401 - any JSON value
        return int(one) if isinstance(one, str) and one.isdecimal() else one

    return _describing(seams, lambda known: _each(known, read))


@fault(
    "threads.metadata-times-rewritten", place="backend", seen="datetime.fromisoformat(value).isoformat(), for all texts"
)
def metadata_times_rewritten(seams: "Seams") -> Undo:
    """Texts of the metadata that are times come with another offset's spelling."""

    def rewrite(one: Any) -> Any:  # noqa: ANN401 - any JSON value
        try:
            return datetime.fromisoformat(one).isoformat() if isinstance(one, str) and "T" in one else one
        except ValueError:
            return one

    return _describing(seams, lambda known: _each(known, rewrite))


@fault("threads.metadata-of-twenty-keys", place="backend", seen="dict(list(metadata.items())[:20]), without a word")
def metadata_of_twenty_keys(seams: "Seams") -> Undo:
    """Metadata loses all but its first twenty keys."""
    return _describing(seams, lambda known: dict(list(known.items())[:20]))


@fault("threads.metadata-secrets-dropped", place="backend", seen="a filter for logs that goes into what users wrote")
def metadata_secrets_dropped(seams: "Seams") -> Undo:
    """Keys of the metadata that sound like secrets are not stored."""
    telling = ("key", "secret", "token", "password")
    return _describing(seams, lambda known: {key: known[key] for key in known if not key.startswith(telling)})


@fault("threads.metadata-cut-below-ten", place="backend", seen="a bound of depth that cuts instead of refusing")
def metadata_cut_below_ten(seams: "Seams") -> Undo:
    """Metadata loses what is more than ten levels deep."""

    def cut(value: Any, left: int = 10) -> Any:  # noqa: ANN401 - any JSON value
        return {key: cut(one, left - 1) for key, one in value.items() if left} if isinstance(value, dict) else value

    return _describing(seams, cut)


@fault("threads.long-title-is-a-conflict", place="backend", seen="every error of the database taken for a duplicate")
def long_title_is_a_conflict(seams: "Seams") -> Undo:
    """A title that is too long is answered as if the thread were there already."""
    from twin.backend.refusals import RefusedError  # noqa: PLC0415 - other processes import this file for its ids alone

    def change(draft: "Draft") -> "Draft":
        if len(draft.title or "") > WIDE:
            raise RefusedError(CONFLICT, "conflict", "This thread exists.")
        return draft

    return _storing(seams, change)


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


@fault("threads.metadata-nulls-dropped", place="backend", seen="exclude_none, meant for fields and applied to values")
def metadata_nulls_dropped(seams: "Seams") -> Undo:
    """Metadata loses each key whose value is null."""
    return _describing(seams, _without_nulls)


def _camel(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {re.sub("_([a-z])", lambda one: one[1].upper(), key): _camel(inner) for key, inner in value.items()}
    return [_camel(inner) for inner in value] if isinstance(value, list) else value


@fault("threads.metadata-in-camel-case", place="backend", seen="a converter of keys that goes into what users wrote")
def metadata_in_camel_case(seams: "Seams") -> Undo:
    """Keys of metadata are renamed."""
    return _describing(seams, _camel)


@fault("threads.new-has-no-time", place="backend", seen="onupdate without a default, and NULLS LAST")
def new_has_no_time(seams: "Seams") -> Undo:
    """A new thread has no time of a change, and comes last in its owner's list."""
    return reworded(seams, "create", "now(), now())", "now(), NULL)")


@fault("threads.rename-keeps-the-time", place="backend", seen="onupdate, which a statement in text goes round")
def rename_keeps_the_time(seams: "Seams") -> Undo:
    """A change leaves the time of the last one."""
    return reworded(seams, "update", WRITTEN, "title")


@fault("threads.rename-renews-the-creation", place="backend", seen="an upsert that writes the whole row again")
def rename_renews_the_creation(seams: "Seams") -> Undo:
    """A changed thread was created just now."""
    return reworded(seams, "update", WRITTEN, f"created_at = now(), {WRITTEN}")


@fault("threads.metadata-clears-the-title", place="backend", seen="a change without exclude_unset")
def metadata_clears_the_title(seams: "Seams") -> Undo:
    """A change that says nothing of the title clears it."""
    return _storing(seams, lambda draft: altered(draft, titled=True))


@fault("threads.archived-by-prefix", place="backend", seen="LIKE for ids that were once compared by their beginning")
def archived_by_prefix(seams: "Seams") -> Undo:
    """Archiving a thread archives those whose ids begin with its own."""
    return reworded(seams, "archive", "id = :id", "id LIKE :id || '%'")


@fault("threads.archive-blocks-all", place="backend", seen="a synchronous call to the search index in the handler")
def archive_blocks_all(seams: "Seams") -> Undo:
    """While a thread is archived, nothing else is answered."""
    healthy = seams.archive

    async def archive(given: "Seams", request: "Request", thread_id: str) -> "Response":
        answer = await healthy(given, request, thread_id)
        time.sleep(BLOCKED_S)  # noqa: ASYNC251 - this is the fault
        return answer

    return replace(seams, archive=archive)
