"""What is wrong with a target, in one paragraph: each key, and the variable or the file that sets it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from targets.leave import PREFIX, flat, variable

Location = tuple[int | str, ...]
WHERE_TO_LOOK = (
    "Keys and their meaning are in targets/model.py and docs/adding-a-target.md; "
    f"the environment sets them as {PREFIX}SECTION__KEY."
)


def explain(error: ValidationError, path: Path, given: Mapping[str, Any]) -> str:
    """The paragraph. `given`: what the environment says, which the file is not blamed for; no value is quoted."""
    problems = [(_source(problem["loc"], given), *_in_words(problem, given)) for problem in error.errors()]
    from_file = "; ".join(f"`{key}` {what}" for source, key, what in problems if not source)
    from_environment = "; ".join(f"{source} (`{key}`) {what}" for source, key, what in problems if source)
    parts = [
        f"The target in {path} can't be used: {from_file}." if from_file else "",
        f"The environment can't be used: {from_environment}." if from_environment else "",
        WHERE_TO_LOOK,
    ]
    return " ".join(part for part in parts if part)


def _in_words(problem: Any, given: Mapping[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - pydantic's details of an error
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return key, "is not a key of a target"
    value, depth = _given(problem["loc"], given)
    named = ", ".join(map(variable, flat(value, f"{key}."))) if isinstance(value, Mapping) and depth else ""
    whole = depth == len(problem["loc"])  # a section: its keys come from both
    return key, problem["msg"].removeprefix("Value error, ") + (f" ({named} is set, too)" if named and whole else "")


def _source(location: Location, given: Mapping[str, Any]) -> str:
    """The variable that sets a value, or what it is a part of; empty if none does."""
    value, depth = _given(location, given)
    return "" if isinstance(value, Mapping) else variable(".".join(map(str, location[:depth])))


def _given(location: Location, given: Mapping[str, Any]) -> tuple[object, int]:
    """What the environment says at a place, and at which depth it ends."""
    value: Any = given
    for depth, part in enumerate(location):
        if not isinstance(value, Mapping) or part not in value:
            return value, depth
        value = value[part]
    return value, len(location)
