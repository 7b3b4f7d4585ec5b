"""Known incidents by what they write to the log, as phrases of the contract; and credentials in a text.

Everything here takes time in proportion to the text, whatever the text is: an entry may have 256 KB, and strangers may
well decide what is in it.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probes.foreign.url_passwords import holds_password

TRACEBACK = "Traceback (most recent call last)"
GAP = 200  # characters of one line that a * in a phrase stands for, at most
MOST_GAPS = 2
SHORTEST_ANCHOR = 4
_FLAGS = re.IGNORECASE | re.ASCII
_PLAIN = re.compile(r"[a-z0-9 _.:,>()'-]+", re.ASCII)  # what JSON writes as it is
# Tried where a dotted run of letters begins and nowhere inside it, and never backwards.
_BEFORE_CLAIMS = re.compile(r"(?<![A-Za-z0-9_-])([A-Za-z0-9_-]{9,}+)(?=\.eyJ[A-Za-z0-9_-]{6,}+\.)")
_LEAST_HEAD = 6
# The same in base64, as a page offers its token in a subprotocol: "ZXlK" is "eyJ".
_ENCODED = re.compile(r"(?<![A-Za-z0-9_-])ZXlK[A-Za-z0-9_-]{24,}+")


@dataclass(frozen=True, slots=True)
class Incidents:
    """Known incidents: a name, and the phrases that show it, compared without regard to case."""

    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    anchors: frozenset[str]  # every phrase holds one of them, in small letters

    @classmethod
    def from_phrases(cls, phrases: Mapping[str, Sequence[str]]) -> "Incidents":
        """Build the incidents, name to phrases; a `*` in a phrase stands for up to 200 characters of one line.

        Raises:
            ValueError: A phrase with more than two `*`, or without four plain letters in a row.
        """
        patterns = tuple(
            (name, re.compile("|".join(_expression(phrase) for phrase in some), _FLAGS))
            for name, some in phrases.items()
            if some
        )
        return cls(patterns, frozenset(_anchor(phrase) for some in phrases.values() for phrase in some))

    def name(self, text: str) -> str:
        """The name of the incident that a text shows; empty if it shows none."""
        return next((name for name, pattern in self.patterns if pattern.search(text)), "")

    def may_show(self, text: str) -> bool:
        """Whether a text could show an incident, a traceback or a credential: cheap, and a "no" is never wrong."""
        lower = text.lower()
        for anchor in self.anchors:
            if anchor in lower:
                return True
        return "eyj" in lower or "zxlk" in lower or ("://" in lower and "@" in lower) or "traceback (" in lower


def _expression(phrase: str) -> str:
    if phrase.count("*") > MOST_GAPS:
        raise ValueError(f"{phrase!r} has more than {MOST_GAPS} *, each of which stands for any words of one line")
    return rf"[^\n]{{0,{GAP}}}?".join(re.escape(part) for part in phrase.split("*"))


def _anchor(phrase: str) -> str:
    """The longest part of a phrase that JSON writes as it is."""
    parts = [plain for part in phrase.lower().split("*") for plain in _PLAIN.findall(part)]
    longest = max(parts, key=len, default="")
    if len(longest) < SHORTEST_ANCHOR:
        raise ValueError(f"{phrase!r} has no {SHORTEST_ANCHOR} plain characters in a row: anything could match it")
    return str(longest)


def holds_credential(text: str) -> bool:
    """Whether a text holds a JWT, as it is or in base64, or a URL with a password in it."""
    if _holds_jwt(text) or ("ZXlK" in text and any(_holds_jwt(_decoded(one)) for one in _ENCODED.findall(text))):
        return True
    return holds_password(text)


def _holds_jwt(text: str) -> bool:
    return "eyJ" in text and any("eyJ" in match[1][:-_LEAST_HEAD] for match in _BEFORE_CLAIMS.finditer(text))


def _decoded(text: str) -> str:
    """The text that base64 stands for, without what is left of it where it was cut."""
    whole = text[: len(text) - len(text) % 4]
    return base64.urlsafe_b64decode(whole).decode("latin-1")
