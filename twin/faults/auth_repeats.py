"""Faults of what validation says of a valid token: claims that are lost, made up, or moved by an hour."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams

Claims = dict[str, Any]
AN_HOUR = timedelta(hours=1)


def saying(seams: "Seams", change: Callable[[Claims, Claims], Claims]) -> Undo:
    """Let `change(claims, what is said of them)` put other values into the answer."""
    healthy = seams.described

    def described(claims: Claims) -> Claims:
        told = healthy(claims)
        return told | change(claims, told)

    return replace(seams, described=described)


@fault("auth.email-not-repeated", place="auth", seen="a field of a new model, filled by none of its callers")
def email_empty(seams: "Seams") -> Undo:
    """Validation names no email."""
    return saying(seams, lambda _claims, _told: {"email": ""})


@fault("auth.email-made-of-the-id", place="auth", seen="a stand-in for users whom the table does not have yet")
def email_made_up(seams: "Seams") -> Undo:
    """Validation names an email that is not the token's."""
    return saying(seams, lambda claims, _told: {"email": f"{claims['sub']}@users.netrasystems.ai"})


@fault("auth.permissions-lost", place="auth", seen="`permissions=[]` as a model's default, and a claim of another name")
def permissions_lost(seams: "Seams") -> Undo:
    """Validation names no permission."""
    return saying(seams, lambda _claims, _told: {"permissions": []})


@fault("auth.permissions-of-an-admin", place="auth", seen="a shortcut for staging that was deployed")
def permissions_of_an_admin(seams: "Seams") -> Undo:
    """Validation says that each user may do everything."""
    return saying(seams, lambda _claims, _told: {"permissions": ["admin"]})


@fault("auth.end-in-local-time", place="auth", seen="`datetime.fromtimestamp(exp)` in a container whose TZ is not UTC")
def end_in_local_time(seams: "Seams") -> Undo:
    """A token's end is said an hour late, without its zone."""

    def later(_claims: Claims, told: Claims) -> Claims:
        ends = datetime.fromisoformat(told["expires_at"]) + AN_HOUR
        return {"expires_at": ends.replace(tzinfo=None).isoformat()}

    return saying(seams, later)
