"""Rules that replace what matches in a text, tried only where they can match.

A pattern without regard to case looks at every character, and a failed case's locals may be megabytes. Whether a word
is in a text is found a hundred times sooner.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Letters that such a pattern takes for i, s and k, and `str.lower` does not.
ODD_LETTERS = "\u0130\u0131\u017f\u212a"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is put in place of each match; `words`: in small letters, one of them is in every text that has a match."""

    words: tuple[str, ...]
    pattern: re.Pattern[str]
    put: str


def apply(rules: Iterable[Rule], text: str) -> str:
    """The text after each rule in turn. None of them may put a word there that a later one is known by."""
    lower = text.lower()
    unsure = not text.isascii() and any(letter in text for letter in ODD_LETTERS)
    for rule in rules:
        if unsure or any(word in lower for word in rule.words):
            text = rule.pattern.sub(rule.put, text)
    return text
