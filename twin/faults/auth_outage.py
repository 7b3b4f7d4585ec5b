"""Faults of what clients learn of an outage of the auth service, and of what outlasts it."""

from typing import TYPE_CHECKING

from twin.auth.by_hand import payload_of
from twin.faults.auth_backend import when_down
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams

MOST_IN_A_ROW = 5


@fault("auth.outage-is-401", place="backend", seen="`except Exception: return None` around the call to auth")
def outage_is_401(seams: "Seams") -> Undo:
    """With auth down every token is refused as if it were invalid, so that clients log their users out."""

    async def refuse(_token: str) -> "Identity | None":
        return None

    return when_down(seams, refuse)


@fault("auth.outage-is-500-in-the-end", place="backend", seen="a retry budget, and no answer for when it is used up")
def outage_is_500_in_the_end(seams: "Seams") -> Undo:
    """With auth down five requests in a row are answered 503, and those after them 500."""
    from twin.backend.auth_client import AuthUnavailableError  # noqa: PLC0415 - other processes import it for its ids

    healthy, failed = seams.validate, 0

    async def validate(given: "Seams", token: str) -> "Identity | None":
        nonlocal failed
        try:
            identity = await healthy(given, token)
        except AuthUnavailableError:
            failed += 1
            if failed > MOST_IN_A_ROW:
                raise RuntimeError("no attempts left") from None
            raise
        failed = 0
        return identity

    return replace(seams, validate=validate)


@fault("auth.outage-outlasted-at-the-socket", place="backend", seen="a circuit by user, without a half-open state")
def outlasted_at_the_socket(seams: "Seams") -> Undo:
    """Users who were turned away at the WebSocket during an outage are turned away until a restart."""
    from twin.backend.auth_client import AuthUnavailableError  # noqa: PLC0415 - as above

    healthy, locked_out = seams.sessions.authenticate, set[str]()

    async def authenticate(token: str) -> "Identity | None":
        user = str(payload_of(token).get("sub"))
        if user in locked_out:
            raise AuthUnavailableError("the circuit is open")
        try:
            return await healthy(token)
        except AuthUnavailableError:
            locked_out.add(user)
            raise

    return replace(seams.sessions, authenticate=authenticate)
