"""Faults of the logout: it believes a token that it has not verified, or ends more than the one token."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twin.auth.by_hand import payload_of
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.logout import Revocations
    from twin.auth.service import Seams

KEPT_S = 2.0


@dataclass(slots=True)
class ByClaim:
    """Revokes every token with the same value of a claim; sessions learn of the one token, as before."""

    claim: str
    healthy: "Revocations"
    ended: set[str] = field(default_factory=set)

    async def revoke(self, token: str, expires: float) -> None:
        """Refuse what has this token's value from now on."""
        self.ended.add(self._value_in(token))
        await self.healthy.revoke(token, expires)

    def hold(self, token: object) -> bool:
        """Whether the token has a value that was revoked."""
        return self._value_in(token) in self.ended

    def _value_in(self, token: object) -> str:
        return str(payload_of(token).get(self.claim, "")) if isinstance(token, str) else ""


@fault("auth.logout-unverified", place="auth", seen="jwt.decode(..., options={'verify_signature': False}) for its jti")
def logout_unverified(seams: "Seams") -> Undo:
    """A logout ends the token whose `jti` it names, however it was signed."""
    by_id = ByClaim("jti", seams.revocations)
    return replace(seams, revocations=by_id, read_for_logout=lambda _seams, token: payload_of(token))


@fault("auth.logout-of-the-user", place="auth", seen="a list of revoked users, which a new login does not clear")
def logout_of_the_user(seams: "Seams") -> Undo:
    """A logout ends all tokens of its user, those to come too."""
    return replace(seams, revocations=ByClaim("sub", seams.revocations))


@fault("auth.logout-kept-for-2-s", place="auth", seen="SETEX with the seconds of a cache, not those of the token")
def logout_kept_for_seconds(seams: "Seams") -> Undo:
    """A logout is forgotten after a few seconds, long before the token expires."""
    return replace(seams, revocations=ForSeconds(seams.revocations))


@dataclass(slots=True)
class ForSeconds:
    """Revokes a token for a few seconds; its sessions learn of it, as before."""

    healthy: "Revocations"
    until: dict[str, float] = field(default_factory=dict)

    async def revoke(self, token: str, expires: float) -> None:
        """Refuse the token for now."""
        self.until[token] = time.monotonic() + KEPT_S
        await self.healthy.revoke(token, expires)

    def hold(self, token: object) -> bool:
        """Whether the token was revoked a moment ago."""
        return isinstance(token, str) and self.until.get(token, 0.0) > time.monotonic()
