"""The services of a target: their addresses, what is in front of them, and how this machine reaches them."""

import re
from typing import Literal

from pydantic import Field, model_validator

from probes.secret import Secret
from targets.addresses import Address
from targets.contract.parts import Part

HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


def _fits(value: Secret) -> bool:
    """Whether a value can be sent in a header: printable ASCII, no space at its ends, no line break."""
    return VALUE.fullmatch(value.reveal()) is not None


OURS_TO_SET = frozenset(
    {"authorization", "host", "content-length", "content-type", "user-agent", "traceparent", "cookie"}
)


class Service(Part):
    """A Cloud Run service: its base URL, its name on the platform, and what is in front of it."""

    url: Address = ""
    service: str
    headers: dict[str, Secret] = Field(default_factory=dict)  # sent with every request, for a gateway in front
    identity: Literal["none", "google", "given"] = "none"  # a token for Google IAM in front of the service
    identity_audience: str = ""  # the audience of a Google identity token; empty: the url
    identity_token: Secret = Secret("")  # with identity = "given"

    def in_front(self, section: str) -> dict[str, Secret]:
        """The credentials for what is in front, by dotted key."""
        headers = {f"{section}.headers.{name}": value for name, value in self.headers.items()}
        return headers | {f"{section}.identity_token": self.identity_token}

    @model_validator(mode="after")
    def _has_headers_that_are_not_ours(self) -> "Service":
        taken = sorted(name for name in self.headers if name.lower() in OURS_TO_SET)
        if taken:
            raise ValueError(f"headers can't set {', '.join(taken)}: the checks themselves do")
        wrong = [name for name, value in self.headers.items() if not HEADER.fullmatch(name) or not _fits(value)]
        if wrong:
            raise ValueError(f"headers has {wrong[0]!r}, whose name or value can't be sent in a header")
        if self.identity == "given" and not self.identity_token:
            raise ValueError('identity is "given", but identity_token is empty: set it in the environment')
        return self


class Network(Part):
    """How this machine reaches the target. Proxies come from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY."""

    ca_file: str = ""  # PEM: a private CA that is trusted in addition to the machine's own


class Pace(Part):
    """How politely the service is asked: what is asked together, and what begins in a second."""

    at_once: int = Field(16, ge=1, le=100)  # requests that do not depend on each other; 1: one after another
    per_second: float = Field(0.0, ge=0, le=10_000)  # requests and sessions begun, but for measured ones; 0: no bound
