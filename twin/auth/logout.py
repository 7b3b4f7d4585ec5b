"""`POST /auth/logout`: the token that was sent is refused from then on, here and at the backend.

Sessions that it had opened learn of it through Redis, by the token's fingerprint; a restart of this service forgets.
"""

import hashlib
import time
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from twin.telemetry import Log


@dataclass(slots=True)
class Revocations:
    """Revoked tokens until their own end, by fingerprint."""

    redis: Redis
    log: Log
    until: dict[str, float] = field(default_factory=dict)

    async def revoke(self, token: str, expires: float) -> None:
        """Refuse the token from now on, and tell its sessions."""
        now = time.time()
        self.until = {mark: end for mark, end in self.until.items() if end > now} | {fingerprint(token): expires}
        try:
            await self.redis.set(f"revoked:{fingerprint(token)}", "1", ex=max(1, int(expires - now) + 1))
        except RedisError as error:
            self.log.write("ERROR", "open sessions could not be told of a logout", error)

    def hold(self, token: object) -> bool:
        """Whether the token is revoked."""
        return isinstance(token, str) and fingerprint(token) in self.until


def fingerprint(token: str) -> str:
    """What stands for a token where it must not be stored."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
