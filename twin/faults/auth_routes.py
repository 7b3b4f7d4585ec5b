"""Faults of single routes: they let in requests without a token, or read a token without verifying it."""

import copy
from typing import TYPE_CHECKING

from twin.auth.by_hand import payload_of
from twin.backend.auth_client import Identity
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import MutableHeaders
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Scope

    from twin.backend.seams import Seams

FORGOTTEN = "one handler of six without its Depends(get_current_user)"


def changed_in(seams: "Seams", step: str, change: "Callable[[Seams, Request], None]") -> Undo:
    """Have one route work with seams of its own, changed for each request."""
    healthy = getattr(seams, step)

    async def route(given: "Seams", request: "Request", *ids: str) -> "Response":
        own = copy.copy(given)
        change(own, request)
        answer: Response = await healthy(own, request, *ids)
        return answer

    return replace(seams, **{step: route})


def _for_anyone(seams: "Seams", step: str) -> Undo:
    """Have one route let in requests without a token, and hand them any thread."""

    def change(own: "Seams", request: "Request") -> None:
        if not own.bearer_of(request):
            healthy = own.access
            own.validate = _nobody
            own.access = lambda row: healthy(row and {**row, "own": True, "owned": True})

    return changed_in(seams, step, change)


async def _nobody(_seams: "Seams", _token: str) -> Identity:
    return Identity(user_id="anonymous", email="")


@fault("auth.create-for-anyone", place="backend", seen=FORGOTTEN)
def create_for_anyone(seams: "Seams") -> Undo:
    """A thread is created without a token."""
    return _for_anyone(seams, "create")


@fault("auth.read-for-anyone", place="backend", seen=FORGOTTEN)
def read_for_anyone(seams: "Seams") -> Undo:
    """A thread is read without a token."""
    return _for_anyone(seams, "read")


@fault("auth.rename-for-anyone", place="backend", seen=FORGOTTEN)
def rename_for_anyone(seams: "Seams") -> Undo:
    """A thread is renamed without a token."""
    return _for_anyone(seams, "change")


@fault("auth.archive-for-anyone", place="backend", seen=FORGOTTEN)
def archive_for_anyone(seams: "Seams") -> Undo:
    """A thread is archived without a token."""
    return _for_anyone(seams, "archive")


@fault("auth.messages-for-anyone", place="backend", seen=FORGOTTEN)
def messages_for_anyone(seams: "Seams") -> Undo:
    """A thread's messages are listed without a token."""
    return _for_anyone(seams, "list_messages")


@fault(
    "auth.read-unverified", place="backend", seen="jwt.decode(..., options={'verify_signature': False}) in one handler"
)
def read_unverified(seams: "Seams") -> Undo:
    """A route takes the user from a token whose signature it has not verified."""
    return _unverified(seams, "read")


@fault(
    "auth.writes-without-challenge",
    place="backend",
    seen="a second handler of refusals, for routes that change something",
)
def writes_without_challenge(seams: "Seams") -> Undo:
    """A 401 of a route that changes something lacks WWW-Authenticate."""
    from twin.faults.browser import answering  # noqa: PLC0415 - other processes import this file for its ids alone

    def change(scope: "Scope", _status: int, headers: "MutableHeaders") -> None:
        if scope["method"] != "GET" and "www-authenticate" in headers:
            del headers["www-authenticate"]

    return answering(seams, change)


@fault("auth.auto-rename-for-anyone", place="backend", seen="an action for a background worker, on the public router")
def auto_rename_for_anyone(seams: "Seams") -> Undo:
    """A thread is given a title without a token."""
    return _for_anyone(seams, "auto_rename")


@fault(
    "auth.auto-rename-unverified",
    place="backend",
    seen="the user read from the token without verifying it, 'to log it'",
)
def auto_rename_unverified(seams: "Seams") -> Undo:
    """A thread is given a title by anyone who writes its owner into a token."""
    return _unverified(seams, "auto_rename")


def _unverified(seams: "Seams", step: str) -> Undo:
    """Have one route take the user from a token whose signature it has not verified."""

    async def unverified(_seams: "Seams", token: str) -> Identity | None:
        user = payload_of(token).get("sub")
        return Identity(user_id=user, email="") if isinstance(user, str) else None

    def change(own: "Seams", _request: "Request") -> None:
        own.validate = unverified

    return changed_in(seams, step, change)
