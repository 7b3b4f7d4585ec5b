"""Where two JSON values differ, by the place in them and the kind of difference: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

What = Literal["missing", "added", "type", "value", "length"]
Mark = tuple[str, What]  # where and what: by these a difference is recognised in another pair of answers
MOST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, with the two values as they are shown."""

    where: str
    what: What
    before: str
    after: str

    @property
    def mark(self) -> Mark:
        """What it is recognised by."""
        return self.where, self.what

    @property
    def name(self) -> str:
        """What it is called in reports and in `[compare] expected`: without the values."""
        return f"{self.where} {self.what}"

    @property
    def text(self) -> str:
        """In words."""
        if self.what == "missing":
            return f"{self.where} is missing (it was {self.before})"
        if self.what == "added":
            return f"{self.where} is new ({self.after})"
        return f"{self.where} {self.what}: {self.before} became {self.after}"


def differences(before: Any, after: Any, at: str = "") -> dict[Mark, Difference]:  # noqa: ANN401 - any JSON values
    """Every difference, once per mark: items of a list share the place `[*]`, and the first of them is shown."""
    found: dict[Mark, Difference] = {}
    for difference in _walk(before, after, at):
        found.setdefault(difference.mark, difference)
    return found


def _walk(before: Any, after: Any, at: str) -> list[Difference]:  # noqa: ANN401 - any JSON values
    if type(before) is not type(after):
        return [Difference(at, "type", shown(before), shown(after))]
    if isinstance(before, Mapping):
        return _walk_object(before, after, at)
    if isinstance(before, list):
        length = [Difference(at, "length", str(len(before)), str(len(after)))] if len(before) != len(after) else []
        pairs = zip(before, after, strict=False)  # what one has beyond the other is the difference of lengths
        return length + [one for old, new in pairs for one in _walk(old, new, f"{at}[*]")]
    return [] if before == after else [Difference(at, "value", shown(before), shown(after))]


def _walk_object(before: Mapping[str, Any], after: Mapping[str, Any], at: str) -> list[Difference]:
    found = []
    for key in [*before, *(key for key in after if key not in before)]:
        where = f"{at}.{key}" if at else key
        if key not in after:
            found.append(Difference(where, "missing", shown(before[key]), ""))
        elif key not in before:
            found.append(Difference(where, "added", "", shown(after[key])))
        else:
            found += _walk(before[key], after[key], where)
    return found


def shown(value: object) -> str:
    """A value in a few characters."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
