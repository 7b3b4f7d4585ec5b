"""What a client may write: a JSON object of bounded size and depth, in text that the database can hold.

PostgreSQL stores neither U+0000 nor lone surrogates, and `jsonb` no number that is none. One such row in a `json`
column makes every list a 500, so it is refused at the door, whichever key or value it hides in.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from twin.backend.refusals import RefusedError

LARGEST_BODY, LONGEST_TITLE, DEEPEST = 64 * 1024, 500, 32
TOO_LARGE, UNPROCESSABLE = 413, 422
Json = Any


@dataclass(frozen=True, slots=True)
class Draft:
    """What was written of a thread: None where nothing was said; `titled` tells a title of null from none."""

    titled: bool
    title: str | None
    metadata: dict[str, Json] | None


async def read_draft(request: Request) -> Draft:
    """`{title?, metadata?}` of a request's body; other keys are ignored. Raises RefusedError."""
    body = await read_object(request)
    title, metadata = body.get("title"), body.get("metadata")
    if title is not None and not (isinstance(title, str) and len(title) <= LONGEST_TITLE):
        raise _refused(f"title must be a text of at most {LONGEST_TITLE} characters, or null")
    if metadata is not None and not isinstance(metadata, dict):
        raise _refused("metadata must be an object, or null")
    for value in (title, metadata):
        refuse_unstorable(value)
    return Draft("title" in body, title, metadata)


async def read_object(request: Request) -> dict[str, Json]:
    """The body as a JSON object. Raises RefusedError."""
    written = await request.body()
    if len(written) > LARGEST_BODY:
        raise RefusedError(TOO_LARGE, "too_large", f"The body may have at most {LARGEST_BODY} bytes.")
    try:
        value = json.loads(written, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _refused("a JSON object is required") from error
    if not isinstance(value, dict):
        raise _refused("a JSON object is required")
    return value


def refuse_unstorable(value: Json) -> None:
    """Raise RefusedError for what the database can't hold, in any key or value, or what is nested too deep."""
    left = [(value, 0)]
    while left:
        one, depth = left.pop()
        if depth > DEEPEST:
            raise _refused(f"values may be nested {DEEPEST} deep")
        if isinstance(one, dict):
            left += [(inner, depth + 1) for pair in one.items() for inner in pair]
        elif isinstance(one, list):
            left += [(inner, depth + 1) for inner in one]
        elif isinstance(one, str) and not storable(one):
            raise _refused("text may hold neither U+0000 nor half of a surrogate pair")
        elif isinstance(one, float) and not math.isfinite(one):
            raise _refused("a number is out of range")


def storable(text: str) -> bool:
    """Whether the database can hold a text."""
    return "\x00" not in text and not any("\ud800" <= one <= "\udfff" for one in text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refused(text: str) -> RefusedError:
    return RefusedError(UNPROCESSABLE, "invalid_body", f"{text[0].upper()}{text[1:]}.")
