"""Faults of what the auth service is sent: bodies that it uses before it looks at them, and a user id too long."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from twin.auth.service import LONGEST_SUB
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.auth.service import Seams

LONGEST_ENTRY = 256 * 1024


def _looking_first(seams: "Seams", look: Callable[[bytes], object]) -> Undo:
    """Have each body looked at before its token is, with whatever that raises."""
    healthy = seams.token_in

    async def token_in(request: "Request") -> object:
        look(await request.body())
        return await healthy(request)

    return replace(seams, token_in=token_in)


@fault("auth.body-read-unguarded", place="auth", seen="`await request.json()` with nothing around it")
def body_unguarded(seams: "Seams") -> Undo:
    """A body that is not JSON is a server error."""
    healthy = seams.token_in

    async def token_in(request: "Request") -> object:
        try:
            return await healthy(request)
        except ValueError as error:
            raise RuntimeError("unhandled") from error

    return replace(seams, token_in=token_in)


@fault("auth.body-taken-for-an-object", place="auth", seen="`body.get('token')` of whatever JSON was sent")
def body_an_object(seams: "Seams") -> Undo:
    """A body that is a list is a server error."""

    async def token_in(request: "Request") -> object:
        body: Any = await request.json()
        return body.get("token")

    return replace(seams, token_in=token_in)


@fault("auth.token-taken-for-text", place="auth", seen="`token.split('.')` before anything else is known of it")
def token_as_text(seams: "Seams") -> Undo:
    """A token that is not text is a server error."""
    healthy = seams.read

    def read(given: "Seams", token: Any) -> dict[str, Any]:  # noqa: ANN401 - that is the fault
        token.split(".")
        return healthy(given, token)

    return replace(seams, read=read)


@fault("auth.sub-longer-than-its-column", place="auth", seen="a limit of 256, and a column of 255")
def longer_sub(seams: "Seams") -> Undo:
    """A user id is accepted that has one character more than the column holds."""
    return replace(seams.validator, longest_sub=LONGEST_SUB + 1)


@fault(
    "auth.body-decoded-first", place="auth", seen="`(await request.body()).decode()`, before the guard of the parser"
)
def body_decoded(seams: "Seams") -> Undo:
    """A body that is not UTF-8 is a server error."""

    def look(body: bytes) -> None:
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise RuntimeError("unhandled") from error

    return _looking_first(seams, look)


@fault("auth.body-parsed-twice", place="auth", seen="an audit line that parses the body again, and as text")
def body_parsed_twice(seams: "Seams") -> Undo:
    """A body that the parser of bytes can read, and the one of text can't, is a server error."""
    healthy = seams.token_in

    async def token_in(request: "Request") -> object:
        token = await healthy(request)
        try:
            json.loads((await request.body()).decode())
        except ValueError as error:
            raise RuntimeError("unhandled") from error
        return token

    return replace(seams, token_in=token_in)


def masked(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A body for the log, its texts replaced: a call for each level."""
    if isinstance(value, dict):
        return {key: masked(one) for key, one in value.items()}
    return [masked(one) for one in value] if isinstance(value, list) else "..."


@fault("auth.body-masked-by-recursion", place="auth", seen="`mask(value)` that calls itself for what is inside")
def body_masked(seams: "Seams") -> Undo:
    """A body that is nested two thousand deep is a server error."""

    def look(body: bytes) -> None:
        with suppress(ValueError):
            masked(json.loads(body))

    return _looking_first(seams, look)


@fault("auth.body-longer-than-an-entry", place="auth", seen="Log entry with size 1.0M exceeds maximum size of 256.0K")
def body_longer_than_an_entry(seams: "Seams") -> Undo:
    """A body that is too long for the log that it is written to is a server error."""

    def look(body: bytes) -> None:
        if len(body) > LONGEST_ENTRY:
            raise RuntimeError("Log entry exceeds maximum size of 256.0K")

    return _looking_first(seams, look)
