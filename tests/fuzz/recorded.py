"""Answers as they were recorded from the service itself, in the place of the world's own where there is one."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.fuzz.world import Wire, World

# What the recording wrote for values that differ each time, and values in their place.
PLACEHOLDERS = {
    "unix": "1795000000.25",
    "iso": "2026-11-26T01:00:00+00:00",
    "uuid": "6e9d0f5a-2d0f-4b52-8a4e-0a2f6f0a3b11",
}
PLACEHOLDER = re.compile(r"<(unix|iso|uuid)[^>]*>")
Answers = Mapping[tuple[str, str, str], list[Wire]]  # by door, method and path


def recorded(folder: Path) -> Answers:
    """The recorded answers of the REST door and of the auth service."""
    found: dict[tuple[str, str, str], list[Wire]] = {}
    for one in json.loads((folder / "rest-and-auth.json").read_text(encoding="utf-8")):
        asked, headers = one["request"], {name: filled(value) for name, value in one["headers"].items()}
        path = urlsplit(asked["path"]).path
        door = "auth" if "auth" in one["name"] or "valid" in path else "backend"
        found.setdefault((door, asked["method"], path), []).append(
            (one["status"], headers, filled(one["body"]).encode())
        )
    return found


def filled(text: str) -> str:
    """A recorded text with values in the place of what differs each time."""
    return PLACEHOLDER.sub(lambda match: PLACEHOLDERS[match[1]], text)


@dataclass
class RecordedWorld(World):
    """A world that says what was recorded, one recording after another, wherever there is one."""

    answers: Answers = field(default_factory=dict)
    asked: int = 0

    def answer(self, door: str, method: str, target: str, headers: Mapping[str, str], body: Any) -> Wire:  # noqa: ANN401 - any JSON value
        """One request's answer; the log knows of it either way."""
        own = super().answer(door, method, target, headers, body)
        said = self.answers.get((door, method, urlsplit(target).path))
        self.asked += 1
        return said[self.asked % len(said)] if said else own
