"""Claims that are nearly right: families of near misses, each claim against each way of comparing it carelessly.

A comparison by prefix, by suffix, by containment (CVE-2024-53861), without regard to case or blanks, or of a list's
members accepts what equality refuses. Code that compares only numbers passes over times of another type; a user's name
in another shape becomes another user's after a conversion.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

Change = Callable[[Mapping[str, Any]], dict[str, Any]]
HOUR_S, FIVE_MINUTES_S = 3600, 300
# How a text may be nearly another one, by the careless comparison that confuses them.
NEARLY: Mapping[str, Callable[[str], object]] = {
    "prefix": lambda text: f"{text}.evil.example",
    "suffix": lambda text: f"evil-{text}",
    "part": lambda text: text[: max(1, len(text) // 2)],
    "case": lambda text: text.swapcase(),
    "blanks": lambda text: f" {text} ",
}
TEXT_CLAIMS = {"issuer": "iss", "audience": "aud"}


def _nearly(claim: str, change: Callable[[str], object]) -> Change:
    return lambda claims: {claim: change(str(claims.get(claim) or "nv"))}


def _ended() -> int:
    return int(time.time()) - HOUR_S


NEAR_CLAIMS: Mapping[str, Change] = MappingProxyType(
    {f"{word} {way}": _nearly(claim, change) for word, claim in TEXT_CLAIMS.items() for way, change in NEARLY.items()}
    | {
        "issuer in a list": _nearly("iss", lambda text: [text]),  # an audience may be a list: RFC 7519, 4.1.3
        "wrong audience in a list": lambda _: {"aud": ["another-platform"]},
        "nearly the audience in a list": _nearly("aud", lambda text: [nearly(text) for nearly in NEARLY.values()]),
        "empty audience list": lambda _: {"aud": []},
        "audience in an object": _nearly("aud", lambda text: {text: True}),
        "5 minutes past exp": lambda _: {"exp": int(time.time()) - FIVE_MINUTES_S},
        "exp as text": lambda _: {"exp": str(_ended())},
        "exp as a date": lambda _: {"exp": datetime.fromtimestamp(_ended(), UTC).isoformat()},
        "exp in a list": lambda claims: {"exp": [claims["exp"]]},
        "exp null": lambda _: {"exp": None},
        "sub with blanks": _nearly("sub", lambda text: f" {text} "),
        "sub number": lambda _: {"sub": 1},
        "sub in a list": _nearly("sub", lambda text: [text]),
        "sub empty": lambda _: {"sub": ""},
    }
)
