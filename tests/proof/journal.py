"""What a long command has done so far, a line a step: begun again, it goes on where it ended."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.standing import ROOT

Line = dict[str, Any]


def digest_of(*places: str) -> str:
    """A digest of the Python and TOML files below these folders of the project, or of the files themselves."""
    said = hashlib.sha256()
    for place in places:
        top = ROOT / place
        found = sorted(one for one in top.rglob("*") if one.suffix in {".py", ".toml"}) if top.is_dir() else [top]
        for path in found:
            said.update(str(path.relative_to(ROOT)).encode())
            said.update(path.read_bytes())
    return said.hexdigest()[:16]


@dataclass(slots=True)
class Journal:
    """Lines of JSON in a file; those that were written for other code (`digest`) are passed over, and stay."""

    path: Path
    digest: str
    lines: list[Line] = field(default_factory=list)

    def read(self) -> "Journal":
        """Read what there is. A last line that was cut off by a kill is passed over."""
        if self.path.exists():
            for text in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    line = json.loads(text)
                except json.JSONDecodeError:
                    continue
                if line.get("digest") == self.digest:
                    self.lines.append(line)
        return self

    def add(self, **line: object) -> None:
        """Write a line, at once."""
        self.lines.append({"digest": self.digest, **line})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.lines[-1]) + "\n")

    def of(self, kind: str) -> list[Line]:
        """The lines of a kind, as they came."""
        return [line for line in self.lines if line["kind"] == kind]


def shard(items: Iterable[str], told: str) -> list[str]:
    """Every n-th item: `2/4` takes the second of four shares; an empty text takes all.

    Raises:
        ValueError: It is not of the form `1/4`, or the share is none of them.
    """
    listed = list(items)
    if not told:
        return listed
    number, _, count = told.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise ValueError(f"SHARD={told}: write it as 1/4, the first of four shares")
    return listed[int(number) - 1 :: int(count)]
