"""A crash in words, where nothing is known of the run's secrets yet: what the environment calls one is one."""

import os
import re
import traceback
from dataclasses import dataclass, field

from gate.plain_text import neutralise
from gate.redaction import Redactor

NAMED_SO = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|KEY|URL|DSN|HEADERS|GIVEN)$|^NETRA_TOKENS")
SHORTEST = 8  # a shorter value may be any word


@dataclass(frozen=True, slots=True)
class _Value:
    text: str = field(repr=False)

    def reveal(self) -> str:
        return self.text


def redactor_of_environment() -> Redactor:
    """A redactor that knows what the environment calls a secret."""
    values = [value for name, value in os.environ.items() if NAMED_SO.search(name.upper()) and len(value) >= SHORTEST]
    return Redactor(_Value(value) for value in values)


def crash_in_words(error: BaseException) -> str:
    """The traceback of an error, without secrets and with nothing in it that a reader would obey."""
    told = redactor_of_environment().text("".join(traceback.format_exception(error)))
    return neutralise(told, multi_line=True).rstrip()


def reason_in_words(error: BaseException) -> str:
    """The last line of it."""
    return crash_in_words(error).rpartition("\n")[2]
