"""What this process has said of its run, for whoever has the last line: the plugin says it, the launcher asks."""

from dataclasses import dataclass


@dataclass(slots=True)
class LastWord:
    """The verdict that was published, and whether the run was to say nothing."""

    verdict: str = ""
    exit_code: int | None = None
    silent: bool = False


LAST_WORD = LastWord()
