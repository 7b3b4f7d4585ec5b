"""What the commands say."""

import sys
from typing import TextIO


def say(text: str, file: TextIO | None = None) -> None:
    """Print one paragraph of the command's product."""
    print(text, file=file or sys.stdout, flush=True)
