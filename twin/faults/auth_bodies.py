"""Faults of what the auth service is sent: bodies that it uses before it looks at them, and a user id too long."""

from typing import TYPE_CHECKING, Any

from twin.auth.service import LONGEST_SUB
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.auth.service import Seams


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
