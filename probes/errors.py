"""Why an observation could not be made, and whose fault that is."""

# What taking an answer apart raises that is of another kind than was promised: any field may be of any type.
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
    """Our own way there: a proxy that refuses us, a CA that we lack, a front that wants an identity. Ours."""


class TooSlow(ProbeError):
    """No answer within the deadline: the product's fault."""


class BadAnswer(ProbeError):
    """An answer that is not what the protocol says: the product's fault."""


NOT_ANSWERED = (Unreachable, TooSlow, BadAnswer)  # what the product has to answer for


class SourceRefused(ProbeError):
    """A source of evidence (log API, admin API, our database access) did not let us see: nobody's verdict."""


class ClientUnfit(ProbeError):
    """We were too slow, or out of descriptors, to measure: our own fault."""


class RateLimited(ProbeError):
    """A limiter answered (429) instead of the service: nobody's verdict, ask less often or for an exemption.

    `wait_s` is how many seconds it wants us to wait; None where it says nothing that can be read.
    """

    def __init__(self, request: str, detail: str, wait_s: float | None = None) -> None:
        super().__init__(request, detail)
        self.wait_s = wait_s


class CredentialUnfit(ProbeError):
    """A credential of ours is of no use: expired, not a token, refused by the login. Our own fault."""
