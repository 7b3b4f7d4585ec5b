"""What the commands say: without the secrets that they were given, and with nothing in it that a reader would obey."""

import sys
from pathlib import Path
from typing import TextIO

from gate.plain_text import neutralise
from gate.redaction import Concealed, Redactor
from targets.loading import ConfigurationError

HIDDEN = Redactor()


def hide(*secrets: Concealed) -> None:
    """Let nothing that is said from now on hold these."""
    for secret in secrets:
        HIDDEN.learn(secret)


def say(text: str, file: TextIO | None = None) -> None:
    """Print one paragraph of the command's product."""
    print(neutralise(HIDDEN.text(text), multi_line=True), file=file or sys.stdout, flush=True)


def say_verdict(text: str, file: TextIO | None = None) -> None:
    """Print the verdict's line, which nothing else that is said can look like."""
    print(f"VERDICT: {neutralise(HIDDEN.text(text))}", file=file or sys.stdout, flush=True)


def write_file(path: Path, text: str, another: str) -> None:
    """Write a command's product, with the folders above it.

    Raises:
        ConfigurationError: It can't be written; the sentence says to name `another` place.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written ({error.strerror}): name another {another}.") from error
