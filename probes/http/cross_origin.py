"""What an answer lets pages of other origins do, by the rules of the Fetch standard."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from probes.foreign.excerpt import excerpt
from probes.http.client import Headers
from probes.problem import Problem

ANY = "*"
SIMPLE_METHODS = frozenset({"GET", "HEAD", "POST"})  # a preflight need not name them


@dataclass(frozen=True, slots=True)
class Allowance:
    """The `Access-Control-Allow-…` headers of one answer."""

    origins: tuple[str, ...]
    credentials: bool
    methods: frozenset[str]
    headers: frozenset[str]

    @classmethod
    def of(cls, headers: Headers) -> Self:
        """Read them from an answer's headers."""
        return cls(
            tuple(headers.get_list("access-control-allow-origin")),
            headers.get("access-control-allow-credentials", "") == "true",
            frozenset(one.upper() for one in _listed(headers, "access-control-allow-methods")),
            frozenset(one.lower() for one in _listed(headers, "access-control-allow-headers")),
        )

    def trouble_of_reading(self, origin: str, *, with_credentials: bool) -> Problem:
        """Why a browser does not hand the answer to a page of the origin."""
        if not self.origins:
            return "no Access-Control-Allow-Origin"
        if len(self.origins) > 1:
            return f"{len(self.origins)} Access-Control-Allow-Origin headers: browsers accept none of them"
        allowed = self.origins[0]
        if allowed == ANY and with_credentials:
            return "Access-Control-Allow-Origin is *, which browsers refuse where credentials are sent"
        if allowed not in {origin, ANY}:
            return f"Access-Control-Allow-Origin is {excerpt(allowed, 120)!r}"
        if with_credentials and not self.credentials:
            return "no Access-Control-Allow-Credentials: true"
        return ""

    def trouble_of_sending(self, method: str, headers: tuple[str, ...], *, with_credentials: bool) -> Problem:
        """Why a browser would not send this request after the preflight."""
        any_method = ANY in self.methods and not with_credentials
        if method not in self.methods | SIMPLE_METHODS and not any_method:
            return f"Access-Control-Allow-Methods lacks {method}"
        any_header = ANY in self.headers and not with_credentials
        lacking = [
            one
            for one in headers
            if one.lower() not in self.headers and not (any_header and one.lower() != "authorization")
        ]
        return f"Access-Control-Allow-Headers lacks {', '.join(lacking)}" if lacking else ""

    def lets_in(self, stranger: str) -> bool:
        """Whether a page of that origin may read the answer, with credentials or without."""
        return bool({stranger, ANY} & set(self.origins))


def lookalikes(frontend: str) -> tuple[str, ...]:
    """Origins that a careless comparison takes for the frontend's.

    A longer host, another scheme, another port, and where the host has them, a dot that is any character, and a domain
    that ends like the frontend's.
    """
    parts = urlsplit(frontend)
    other = "http" if parts.scheme == "https" else "https"
    port = 8443 if parts.port != 8443 else 9443  # noqa: PLR2004 - any port that is not the frontend's
    return (
        f"{frontend}.evil.example",
        f"{parts.scheme}://evil-{parts.netloc}",
        f"{other}://{parts.netloc}",
        f"{parts.scheme}://{parts.hostname}:{port}",
        *_near_domains(parts),
    )


def _near_domains(parts: SplitResult) -> tuple[str, ...]:
    sub, _, parent = parts.netloc.partition(".")
    if not sub or "." not in parent or (parts.hostname or "")[-1:].isdigit():  # an address has no domains
        return ()
    domain = ".".join(parent.split(".")[-2:])
    return f"{parts.scheme}://{sub}x{parent}", f"{parts.scheme}://evil{domain}"


def _listed(headers: Headers, name: str) -> list[str]:
    return [one.strip() for value in headers.get_list(name) for one in value.split(",") if one.strip()]
