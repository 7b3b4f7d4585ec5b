"""The commands' output: redacted, and neutralised so that it can't control a terminal or a CI system."""

import sys
from pathlib import Path
from typing import TextIO

from gate.plain_text import neutralise
from gate.redaction import Concealed, Redactor
from targets.loading import ConfigurationError

HIDDEN = Redactor()


def hide(*secrets: Concealed) -> None:
    """Redact these secrets from all later output."""
    for secret in secrets:
        HIDDEN.learn(secret)


def say(text: str, file: TextIO | None = None) -> None:
    """Print one paragraph of the command's output."""
    print(neutralise(HIDDEN.text(text), multi_line=True), file=file or sys.stdout, flush=True)


def say_verdict(text: str, file: TextIO | None = None) -> None:
    """Print the verdict's line; no other output can look like it."""
    print(f"VERDICT: {neutralise(HIDDEN.text(text))}", file=file or sys.stdout, flush=True)


def write_file(path: Path, text: str, another: str) -> None:
    """Write a command's output file, creating its parent folders.

    Raises:
        ConfigurationError: It can't be written; the sentence asks for another place, described by `another`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written ({error.strerror}): give another {another}.") from error
