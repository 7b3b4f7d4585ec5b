"""Why an observation could not be made, and whose fault that is."""

# What reading an answer of another kind than was promised may raise: any field may be of any type.
UNREADABLE = (LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError)


class ProbeError(Exception):
    """An observation that could not be made: the request, and what happened instead of an answer."""

    def __init__(self, request: str, detail: str) -> None:
        super().__init__(f"{request}: {detail}")
        self.request = request
        self.detail = detail


class Unreachable(ProbeError):
    """Refused, reset, no such host, no TLS: the product's fault, where other doors of it can be reached."""


class PathBlocked(ProbeError):
    """Our own path is blocked: a proxy refuses us, we lack a CA, a front requires an identity. Our fault."""


class TooSlow(ProbeError):
    """No answer within the deadline: the product's fault."""


class BadAnswer(ProbeError):
    """An answer that is not what the protocol says: the product's fault."""


NOT_ANSWERED = (Unreachable, TooSlow, BadAnswer)  # the product's responsibility


class SourceRefused(ProbeError):
    """A source of evidence (log API, admin API, our database access) did not let us look: this judges nothing."""


class ClientUnfit(ProbeError):
    """We were too slow, or out of descriptors, to measure: our own fault."""


class RateLimited(ProbeError):
    """A limiter answered (429) instead of the service: this judges nothing; ask less often, or get an exemption.

    `wait_s` is how many seconds it wants us to wait; None if it does not say.
    """

    def __init__(self, request: str, detail: str, wait_s: float | None = None) -> None:
        super().__init__(request, detail)
        self.wait_s = wait_s


class CredentialUnfit(ProbeError):
    """One of our credentials is useless: expired, not a token, refused by the login. Our own fault."""
