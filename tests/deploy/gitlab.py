"""GitLab's file as GitLab reads it: the header's inputs put into the jobs."""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.system.running import ROOT

FILE = ROOT / "deploy/gitlab/netra-verify.gitlab-ci.yml"


def inputs() -> dict[str, Any]:
    """The inputs that the file declares, each with its default."""
    header = next(iter(yaml.safe_load_all(FILE.read_text(encoding="utf-8"))))
    return {name: one["default"] for name, one in header["spec"]["inputs"].items()}


def interpolated(**given: Any) -> str:  # noqa: ANN401 - what a caller of the file may give
    """The jobs' text with these inputs over the defaults; one that is not declared fails."""
    values = inputs()
    assert given.keys() <= {name.replace("-", "_") for name in values}
    for name in values:
        values[name] = given.get(name.replace("-", "_"), values[name])
    body = FILE.read_text(encoding="utf-8").partition("\n---\n")[2]
    return re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: _written(values[match[1]]), body)


def jobs(**given: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """The jobs, those that are extended too."""
    read: dict[str, Any] = yaml.safe_load(interpolated(**given))
    return read


def variables(described: Mapping[str, Any], job: str, common: Mapping[str, str]) -> dict[str, str]:
    """A job's variables with those of its base, as GitLab fills them in from the project's."""
    own = described[".netra-verify"]["variables"] | described[job]["variables"]
    texts = {key: "" if value is None else str(value) for key, value in own.items()}  # YAML reads empty as null
    return {key: re.sub(r"\$([A-Z_]+)", lambda match: common[match[1]], value) for key, value in texts.items()}


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
