"""What the long proofs are asked for: numbers, shares and patterns, checked before anything begins."""

import argparse
from collections.abc import Collection
from fnmatch import fnmatchcase

from tests.proof.journal import shard

USAGE = 4


def at_least_one(text: str) -> int:
    """A whole number from 1 on. Raises argparse.ArgumentTypeError."""
    if not (text.isdecimal() and text.isascii() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def share(text: str) -> str:
    """A share of all, such as `1/4`; empty: all. Raises argparse.ArgumentTypeError."""
    try:
        shard((), text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def nothing_of(patterns: Collection[str], known: Collection[str], what: str) -> str:
    """The patterns that fit none of what is known, as a sentence; empty if each fits something."""
    unknown = [one for one in patterns if not any(fnmatchcase(name, one) for name in known)]
    return f"ONLY={' '.join(unknown)} names no {what}." if unknown else ""
