"""Durations as people write them."""

import re
from datetime import timedelta

PART = r"(\d+(?:\.\d+)?)([smhd])"
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """A duration such as `90s`, `10m`, `1h`, `1h30m` or `2d`. Raises ValueError with what is understood."""
    if not re.fullmatch(f"({PART})+", text.strip()):
        raise ValueError(f"{text!r} is no duration: write 90s, 10m, 1h, 1h30m or 2d")
    parts = re.findall(PART, text)
    return sum((timedelta(**{UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
