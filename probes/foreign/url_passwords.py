"""Passwords in URLs, as connection strings have them, in any text."""

import re

# Nothing with an @ is a host, and a match can't cross the slashes of the next URL: each is looked at once.
_PASSWORD_IN_URL = re.compile(r"(?<=[A-Za-z0-9+.-])://[^\s/:@]*+:[^\s@/]++@")


def holds_password(text: str) -> bool:
    """Whether a text holds a URL with a password in it."""
    return "://" in text and _PASSWORD_IN_URL.search(text) is not None
