"""Keeping secrets out of files: known values in every common spelling, and what looks like a credential."""

import base64
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

SHORTEST_SECRET = 6  # a shorter value would black out ordinary words
PATTERNS = (
    (re.compile(r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*"), "[redacted JWT]"),
    (re.compile(r"\b((?i:bearer|basic))\s+(?=\S*[A-Z0-9=])[A-Za-z0-9._~+/=-]{6,}"), r"\1 [redacted]"),
    (re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://[^\s/:@]+):[^\s@/]+@"), r"\g<scheme>:[redacted]@"),
    (re.compile(r"(?i)\b(password|secret|api[_-]?key)(=|\"?:\s*\"?)[^\s\"',;&]{4,}"), r"\1\2[redacted]"),
)


class Redactor:
    """Replaces secrets in text and in JSON values."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if spellings else None

    def text(self, text: str) -> str:
        """The text without secrets, and without half characters, which no file can hold."""
        text = text.encode("utf-8", "backslashreplace").decode()
        if self._known:
            text = self._known.sub("[redacted]", text)
        for pattern, put in PATTERNS:
            text = pattern.sub(put, text)
        return text

    def json(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value in, the same shape out
        """The JSON value with every string in it redacted, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.json(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(item) for item in value]
        return value

    def leaks(self, text: str) -> bool:
        """Whether a known secret stands in the text, in any of its spellings."""
        return bool(self._known and self._known.search(text))


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    coded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {secret, quote(secret, safe=""), *coded, *(form.rstrip("=") for form in coded)}
