"""`wire.toml` as values: one revision, with what it says."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WIRE: Mapping[str, Any] = tomllib.loads((Path(__file__).parent / "wire.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What is so at one commit."""

    dead: Mapping[str, str]  # by route, the error that it always ends with
    stores: bool  # whether create stores what it answers
    socket: Mapping[str, Any]  # how a valid token's session ends at once; empty: it opens
    json_error: str
    none: Mapping[str, Any]  # the answer without a token


def revision(name: str) -> Revision:
    """A revision of the table. Raises KeyError."""
    facts = WIRE["revision"][name]
    none = facts.get("none", WIRE["refused"]["none"])
    return Revision(
        dead=facts.get("dead", {}),
        stores=facts["stores"],
        socket=facts.get("socket", {}),
        json_error=facts["json_error"],
        none=none,
    )
