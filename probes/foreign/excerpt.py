"""The beginning of a foreign text, for a sentence or for evidence, with a mark where it was cut.

A plain slice may end in the middle of a secret that a server repeats, and leave a piece too short to be recognised.
The mark says where: if the beginning of a secret stands before it, it is redacted, from four characters on
(`gate.redaction`). `tests/test_excerpts.py` refuses the plain slice.
"""

CUT = "…"
MOST = 200


def excerpt(text: str | bytes, most: int = MOST) -> str:
    """The text, or its first `most` characters (bytes) and the mark; bytes that are not UTF-8 are replaced."""
    shown = text[:most] if isinstance(text, str) else text[:most].decode("utf-8", errors="replace")
    return shown if len(text) <= most else shown + CUT


def ending(text: str, most: int = MOST) -> str:
    """The text, or the mark and its last `most` characters. Redact first: a token's end does not look like one."""
    return text if len(text) <= most else CUT + text[-most:]
