"""The name of a target, which is also the name of its file, of its folder of reports and of its place in a store."""

from typing import Annotated

from pydantic import AfterValidator

from probes.problem import Problem

LONGEST = 100
TAKEN = "latest"  # the link to the last run, among the folders of the targets


def what_is_wrong(name: str) -> Problem:
    """Why a text can't be a target's name, as the end of a sentence that names the key; empty if it can."""
    if not name or len(name) > LONGEST or not name.isprintable() or name != name.strip():
        return f"must be a name of 1 to {LONGEST} characters on one line, without spaces around it"
    if "/" in name or "\\" in name or name.startswith((".", "-")):
        return "must be a name, not a path: it has no slash and begins with neither a dot nor a hyphen"
    return f"can't be {TAKEN!r}: among the reports, that is the link to the last run" if name == TAKEN else ""


def _checked(name: str) -> str:
    if wrong := what_is_wrong(name):
        raise ValueError(wrong)
    return name


Name = Annotated[str, AfterValidator(_checked)]
