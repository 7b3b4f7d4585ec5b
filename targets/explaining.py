"""What is wrong with a target, in one paragraph: each key, and the variable or the file that sets it."""

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from targets.leave import PREFIX, LeaveError, variable

Location = tuple[int | str, ...]
WHERE_TO_LOOK = (
    "Keys and their meaning are in targets/model.py and docs/adding-a-target.md; "
    f"the environment sets them as {PREFIX}SECTION__KEY."
)


def explain(error: ValidationError, path: Path, given: Mapping[str, Any], model: type[BaseModel]) -> str:
    """The paragraph. `given`: what the environment says, which the file is not blamed for; no value is quoted."""
    problems = [(_source(problem["loc"], given), *_in_words(problem, model)) for problem in error.errors()]
    from_file = "; ".join(f"`{key}` {what}" for source, key, what in problems if not source)
    from_environment = "; ".join(f"{source} (`{key}`) {what}" for source, key, what in problems if source)
    parts = [
        f"The target in {path} can't be used: {from_file}." if from_file else "",
        f"The environment can't be used: {from_environment}." if from_environment else "",
        WHERE_TO_LOOK,
    ]
    return " ".join(part for part in parts if part)


def _in_words(problem: Any, model: type[BaseModel]) -> tuple[str, str]:  # noqa: ANN401 - pydantic's details of an error
    *above, last = map(str, problem["loc"] or ("",))
    key = ".".join(part or '""' for part in (*above, last))
    if problem["type"] == "extra_forbidden":
        return key, f"is not a key of a target{nearest(last, _keys(above, model))}"
    return key, problem["msg"].removeprefix("Value error, ")


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is meant, as the end of a sentence; empty if none is close."""
    near = get_close_matches(name, list(known), n=1)
    return f": did you mean `{near[0]}`?" if near else ""


def _keys(above: Iterable[str], model: type[BaseModel]) -> list[str]:
    """The keys of a section; none where it is not a section."""
    for name in above:
        field = model.model_fields.get(name)
        part = field.annotation if field else None
        if not (isinstance(part, type) and issubclass(part, BaseModel)):
            return []
        model = part
    return list(model.model_fields)


def refuse_unknown_sections(environ: Mapping[str, str], model: type[BaseModel]) -> None:
    """Refuse a variable of a section that does not exist, which nothing would read.

    Raises:
        LeaveError: There is one.
    """
    for name in sorted(environ):
        section, nested, key = name.upper().removeprefix(PREFIX).partition("__")
        if name.upper().startswith(PREFIX) and nested and section.lower() not in model.model_fields:
            near = get_close_matches(section.lower(), list(model.model_fields), n=1)
            meant = f" Did you mean {variable(near[0])}__{key}?" if near else ""
            raise LeaveError(
                f"{name} sets a key of a section that no target has, so nothing would read it.{meant} Correct its name "
                "or unset it; the sections are in docs/adding-a-target.md."
            )


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
