"""What was found about a service, by the contract's keys, and what was not."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from probes.foreign.excerpt import excerpt

Value = TypeVar("Value")
LONGEST = 240
LONGEST_LINE = 110  # of a list
BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(slots=True)
class Findings:
    """By dotted key below `[contract]`: the value and its source, or what a person has to find out."""

    found: dict[str, tuple[Any, str]] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)

    def see(self, key: str, value: Any, where: str) -> None:  # noqa: ANN401 - any TOML value
        """Record a value; it is no longer unknown."""
        self.found[key] = (value, where)
        self.unknown.pop(key, None)

    def miss(self, key: str, what: str) -> None:
        """Record that a value could not be found."""
        if key not in self.found:
            self.unknown[key] = what

    def sections(self) -> Iterator[tuple[str, dict[str, tuple[Any, str]], dict[str, str]]]:
        """Every section with its found and its unknown keys, in the order in which they were recorded."""
        names = dict.fromkeys(key.rpartition(".")[0] for key in (*self.found, *self.unknown))
        for name in names:
            yield name, _below(self.found, name), _below(self.unknown, name)


def _below(table: Mapping[str, Value], section: str) -> dict[str, Value]:
    return {key.rpartition(".")[2]: value for key, value in table.items() if key.rpartition(".")[0] == section}


def plain(text: str) -> str:
    """Text from the service made safe for a comment or a terminal: one printable line of limited length."""
    return excerpt("".join(letter if letter.isprintable() else "?" for letter in text), LONGEST)


def as_toml(value: object) -> str:
    """A value as TOML writes it; a long list has a line for each item. Raises TypeError for what TOML does not have."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{key_of(str(key))} = {as_toml(inner)}" for key, inner in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        items = list(map(as_toml, value))
        line = f"[{', '.join(items)}]"
        return line if len(line) <= LONGEST_LINE else "\n".join(["[", *(f"    {item}," for item in items), "]"])
    if isinstance(value, bool | int | float | str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    raise TypeError(f"TOML has no {type(value).__name__}")


def key_of(name: str) -> str:
    """A key, in quotes if it needs them."""
    return name if BARE.fullmatch(name) else json.dumps(name)
