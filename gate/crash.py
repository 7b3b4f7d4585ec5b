"""A crash as text, before the run's secrets are known: variables named like secrets count as secrets."""

import os
import re
import traceback
from dataclasses import dataclass, field

from gate.plain_text import neutralise
from gate.redaction import Redactor

NAMED_SO = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|KEY|URL|DSN|HEADERS|GIVEN)$|^NETRA_TOKENS")
SHORTEST = 8  # a shorter value may be an ordinary word


@dataclass(frozen=True, slots=True)
class _Value:
    text: str = field(repr=False)

    def reveal(self) -> str:
        return self.text


def redactor_of_environment() -> Redactor:
    """A redactor that knows the values of environment variables named like secrets."""
    values = [value for name, value in os.environ.items() if NAMED_SO.search(name.upper()) and len(value) >= SHORTEST]
    return Redactor(_Value(value) for value in values)


def crash_in_words(error: BaseException) -> str:
    """The traceback of an error, redacted and neutralised."""
    text = redactor_of_environment().text("".join(traceback.format_exception(error)))
    return neutralise(text, multi_line=True).rstrip()


def reason_in_words(error: BaseException) -> str:
    """The traceback's last line; of a group, which has none, the one of the first error in it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return crash_in_words(error).rpartition("\n")[2]
