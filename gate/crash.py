"""A crash as text, before the run's secrets are known: variables named like secrets count as secrets."""

import json
import os
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from gate.plain_text import neutralise
from gate.redaction import Redactor

OURS = "NETRA_"
NAMED_SO = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|KEY|URL|DSN|HEADERS|GIVEN)$|^NETRA_TOKENS|^NETRA_TELL$")
SHORTEST = 8  # a shorter value may be an ordinary word


@dataclass(frozen=True, slots=True)
class _Value:
    text: str = field(repr=False)

    def reveal(self) -> str:
        return self.text


def redactor_of_environment() -> Redactor:
    """A redactor that knows the values of environment variables named like secrets.

    Of our own addresses and headers only what is secret in them: a sentence about one names its scheme or its header.
    """
    named = [(name.upper(), value) for name, value in os.environ.items() if NAMED_SO.search(name.upper())]
    values = [part for name, value in named for part in _secrets_in(name, value) if len(part) >= SHORTEST]
    return Redactor(_Value(value) for value in values)


def _secrets_in(name: str, value: str) -> Iterator[str]:
    """What of a variable's value is secret."""
    if name == f"{OURS}TELL":  # messengers' addresses, each a credential as a whole
        yield from value.split()
        return
    if name.startswith(OURS) and name.endswith(("URL", "DSN")) and "://" in value:
        yield from _of_address(value)
    elif name.startswith(OURS) and name.endswith("HEADERS"):
        headers = _object(value) or {"": value.partition(":")[2] or value}  # JSON, or as curl takes a header
        for text in map(str, headers.values()):
            yield from (text.strip(), text.rpartition(" ")[2])  # without the scheme, as libraries show it
    else:
        yield value


def _of_address(address: str) -> Iterator[str]:
    """The password by every reading of the address, and what is behind its path."""
    rest = address.partition("://")[2]
    for before in {rest.rpartition("@")[0], rest.partition("@")[0] if "@" in rest else ""}:
        password = before.partition(":")[2]
        yield from (password, unquote(password))
    settings, fragment = rest.partition("?")[2], rest.partition("#")[2]
    yield from (fragment, *(value for _, value in parse_qsl(settings, keep_blank_values=True)))


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def crash_in_words(error: BaseException) -> str:
    """The traceback of an error, redacted and neutralised."""
    text = redactor_of_environment().text("".join(traceback.format_exception(error)))
    return neutralise(text, multi_line=True).rstrip()


def reason_in_words(error: BaseException) -> str:
    """The traceback's last line; of a group, which has none, the one of the first error in it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return crash_in_words(error).rpartition("\n")[2]
