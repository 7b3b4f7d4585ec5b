"""Valid tokens that are not the usual ones: what the contract and RFC 7519 allow, and a careless service refuses."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from probes.auth.tokens import Mint, User
from probes.secret import Secret

Sign = Callable[[Mint, User], Secret]
MANY = 80  # entries of a claim: the token has about 2.3 KiB, 3 KiB as a subprotocol, and fits into any header
OWN_CLAIM = "netra_verify"  # where no claim of the contract is a list: unknown claims are ignored (RFC 7519, 4)
ODD_LETTERS = "jürgen.雪"  # RFC 6531: of an address before its @


def with_odd_letters(user: User) -> User:
    """The user with letters outside ASCII in the address, which stays in the same domain."""
    return replace(user, email=f"{ODD_LETTERS}-{user.email}")


def _ahead(mint: Mint, user: User) -> Secret:
    return mint.sign(mint.claims(user, time.time() + mint.skew_s / 2))


def _listed(mint: Mint, user: User) -> Secret:
    return mint.sign(mint.claims(user) | {"aud": [mint.audience, "another-platform"]})


def _long(mint: Mint, user: User) -> Secret:
    """Many entries in the first claim that is a list, such as permissions."""
    name = next((name for name, value in mint.extra_claims.items() if isinstance(value, list)), OWN_CLAIM)
    return mint.sign(mint.claims(user) | {name: [f"netra-verify-{number:02d}" for number in range(MANY)]})


LONG = "2 KiB"
ODD_EMAIL = "email not ASCII"  # of a user `with_odd_letters`
ODD_TOKENS: Mapping[str, Sign] = MappingProxyType(
    {
        "issued ahead, within the skew": _ahead,  # contract.tokens.clock_skew_s
        "audience in a list": _listed,  # as RFC 7519 (4.1.3) lets issuers write it
        LONG: _long,
        ODD_EMAIL: lambda mint, user: mint.good(user),
    }
)
