"""A limiter's answer (429), whatever was asked: it says nothing about the service behind it, nor about a token."""

from probes.errors import RateLimited
from probes.foreign.excerpt import excerpt


def rate_limited(request: str, answered: str, retry_after: str, body: str) -> RateLimited:
    """The error for an answer of 429; a wait is known only if it is a whole number of seconds."""
    wait = excerpt(retry_after, 40)
    return RateLimited(
        request,
        f"{answered} 429{f', Retry-After {wait}' if wait else ''}: {excerpt(body, 120)!r}",
        float(wait) if wait.isascii() and wait.isdecimal() else None,
    )
