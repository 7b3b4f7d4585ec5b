"""What is wrong with a target, in one paragraph: each key, and the variable or the file that sets it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from targets.leave import PREFIX, variable

Location = tuple[int | str, ...]
WHERE_TO_LOOK = (
    "Keys and their meaning are in targets/model.py and docs/adding-a-target.md; "
    f"the environment sets them as {PREFIX}SECTION__KEY."
)


def explain(error: ValidationError, path: Path, given: Mapping[str, Any]) -> str:
    """The paragraph. `given`: what the environment says, which the file is not blamed for; no value is quoted."""
    problems = [(_source(problem["loc"], given), *_in_words(problem)) for problem in error.errors()]
    from_file = "; ".join(f"`{key}` {what}" for source, key, what in problems if not source)
    from_environment = "; ".join(f"{source} (`{key}`) {what}" for source, key, what in problems if source)
    parts = [
        f"The target in {path} can't be used: {from_file}." if from_file else "",
        f"The environment can't be used: {from_environment}." if from_environment else "",
        WHERE_TO_LOOK,
    ]
    return " ".join(part for part in parts if part)


def _in_words(problem: Any) -> tuple[str, str]:  # noqa: ANN401 - pydantic's details of an error
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return key, "is not a key of a target"
    return key, problem["msg"].removeprefix("Value error, ")


def _source(location: Location, given: Mapping[str, Any]) -> str:
    """The variable that sets a value, or what it is a part of; empty if none does, or only other parts of a section."""
    value: Any = given
    names: list[str] = []
    for part in location:
        if not isinstance(value, Mapping) or part not in value:
            break
        value = value[part]
        names.append(str(part))
    return "" if isinstance(value, Mapping) else setting(".".join(names))


def setting(key: str) -> str:
    """The variable of this environment that sets a dotted key, alone or in a JSON object above it."""
    names = {name.upper(): name for name in os.environ}
    parts = key.split(".")
    above = (variable(".".join(parts[:size])) for size in range(len(parts), 0, -1))
    return next((names[name] for name in above if name in names), variable(key))
