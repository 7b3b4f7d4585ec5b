"""The name of a target, which is also the name of its file, of its folder of reports and of its place in a store."""

from pathlib import Path
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


def wrong_folder(folder: Path | None) -> Problem:
    """Why a user's folder of targets can't be one, as the end of a sentence; empty if it can, or if there is none.

    Without it, one of our own targets with the same name would be judged in silence.
    """
    there = folder is None or folder.is_dir()
    return "" if there else f"{folder} is not a folder that can be read: name the one with your targets' files"


def _checked(name: str) -> str:
    if wrong := what_is_wrong(name):
        raise ValueError(wrong)
    return name


Name = Annotated[str, AfterValidator(_checked)]
