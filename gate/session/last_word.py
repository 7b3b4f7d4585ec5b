"""This process's published verdict, shared by the plugin and the launcher, which prints the last line."""

from dataclasses import dataclass


@dataclass(slots=True)
class LastWord:
    """The published verdict, and whether the run is silent."""

    verdict: str = ""
    exit_code: int | None = None
    silent: bool = False


LAST_WORD = LastWord()
