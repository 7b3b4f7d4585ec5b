"""What the commands say: without the secrets that they were given, and with nothing in it that a reader would obey."""

import sys
from typing import TextIO

from gate.plain_text import neutralise
from gate.redaction import Concealed, Redactor

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
