"""Durations as people write them."""

import re
import sys
from collections.abc import Sequence
from datetime import timedelta

PART = r"(\d+(?:\.\d+)?)([smhd])"
USAGE = 4  # pytest's exit code for a wrong command line
LONGEST = timedelta(days=3660)  # ten years: a moment that long ago is still a date
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """A duration such as `90s`, `10m`, `1h`, `1h30m` or `2d`. Raises ValueError with the accepted forms."""
    if not re.fullmatch(f"({PART})+", text.strip()):
        raise ValueError(f"{text!r} is not a duration: write 90s, 10m, 1h, 1h30m or 2d")
    parts = re.findall(PART, text)
    try:
        whole = sum((timedelta(**{UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
    except OverflowError:
        whole = timedelta.max
    if whole > LONGEST:
        raise ValueError(f"{text[:30]!r} is too long: at most {LONGEST.days}d")
    return whole


def main(arguments: Sequence[str]) -> int:
    """Check durations before anything is started: returns 0, or 4 with a sentence about the first invalid one."""
    wrong = next((why for text in arguments if (why := _what_is_wrong(text))), "")
    if wrong:
        sys.stderr.write(f"DURATION {wrong}.\n")
    return USAGE if wrong else 0


def _what_is_wrong(text: str) -> str:
    try:
        seconds = parse_duration(text).total_seconds()
    except ValueError as error:
        return str(error)
    return f"{text!r} is too short: use at least one second" if seconds < 1 else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
