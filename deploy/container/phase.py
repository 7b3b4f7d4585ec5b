#!/usr/bin/env python3
"""One phase as a pipeline's variables describe it: they become the entry point's options, and are checked first.

    PHASE TARGET                 what is run against what
    TARGETS_DIR KNOWN_FAILURES   files of the calling repository, which lies in CALLING
    TAG SHARE QUICK WRITE        of a candidate; smaller samples; leave to seed rows
    SECRETS_OF TOKEN_WAY         the secrets' common beginning (projects/P/secrets/PREFIX), and which of them are read
    EXTRA                        further variables, NAME=value a line; they win, and an empty one takes a default away

Whatever can't be used is one sentence and exit code 4, before anything is contacted.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

USAGE = 4
PHASES = ("candidate", "smoke", "soak", "day", "gate")
# How good tokens are had: which credential of the target, and the end of its secret's name.
WAYS = {
    "sign": ("NETRA_TOKENS__SIGNING_SECRET", "signing-secret"),
    "login": ("NETRA_TOKENS__LOGIN_KEY", "login-key"),
    "given": ("NETRA_TOKENS__GIVEN", "token"),
}
ALWAYS = {"NETRA_TOKENS__SERVICE_KEY": "service-key", "NETRA_DATABASE__URL": "database-url"}
PREFIX = re.compile(r"projects/[^/\s]+/secrets/[^/\s]+")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
YES, NO = frozenset({"1", "true", "yes"}), frozenset({"", "0", "false", "no"})


class UnusableInput(Exception):
    """A pipeline's variable can't be used; the text names it and what it has to be."""


def words_for(given: Mapping[str, str]) -> list[str]:
    """The entry point's words. Raises UnusableInput."""
    phase, target = given.get("PHASE", ""), given.get("TARGET", "")
    if phase not in PHASES:
        raise UnusableInput(f"PHASE is {phase!r}: one of {', '.join(PHASES)}")
    if not target:
        raise UnusableInput("TARGET is empty: name a target, such as staging")
    words = ["gate", f"--target={target}"] if phase == "gate" else [f"--target={target}", f"--phase={phase}"]
    words += [f"--targets-dir={path}" for path in _calling(given, "TARGETS_DIR")]
    if phase == "gate":
        return words
    words += [f"--known-failures={path}" for path in _calling(given, "KNOWN_FAILURES")]
    words += ["--quick"] if _is_so(given, "QUICK") else []
    if phase == "candidate":
        words += [f"--tag={given.get('TAG') or 'verify'}", f"--share={given.get('SHARE') or 0}"]
    return words


def variables_for(given: Mapping[str, str]) -> dict[str, str]:
    """What is set on top: secrets by name, leave to write, and the caller's own. Raises UnusableInput."""
    found: dict[str, str] = {}
    prefix, way = given.get("SECRETS_OF", ""), given.get("TOKEN_WAY") or "sign"
    if way not in WAYS:
        raise UnusableInput(f"TOKEN_WAY is {way!r}: one of {', '.join(WAYS)}")
    if prefix:
        if not PREFIX.fullmatch(prefix):
            raise UnusableInput(f"SECRETS_OF is {prefix!r}: write projects/PROJECT/secrets/PREFIX")
        for name, ending in ({WAYS[way][0]: WAYS[way][1]} | ALWAYS).items():
            found[name] = f"secret:{prefix}-{ending}/versions/latest"
    if _is_so(given, "WRITE"):
        found["NETRA_WRITING__CONFIRM"] = given.get("TARGET", "")
    return found | dict(_extra(given.get("EXTRA", "")))


def _extra(text: str) -> Iterator[tuple[str, str]]:
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals or not NAME.fullmatch(name):
            # the line is not shown: what was meant as a value may be a secret
            raise UnusableInput("EXTRA has a line that is not NAME=value: write one variable a line")
        yield name, value


def _calling(given: Mapping[str, str], name: str) -> list[Path]:
    """A path of the calling repository as one of this machine; nothing where none is given."""
    if not given.get(name):
        return []
    path = (Path(given.get("CALLING") or ".") / given[name]).resolve()
    if not path.exists():
        raise UnusableInput(f"{name} is {given[name]!r}, and there is no {path}: name it from the repository's root")
    return [path]


def _is_so(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "").lower()
    if value not in YES | NO:
        raise UnusableInput(f"{name} is {value!r}: write true or false")
    return value in YES


def main() -> None:
    """Become the entry point, or end with 4 where the variables can't be used."""
    try:
        words, more = words_for(os.environ), variables_for(os.environ)
    except UnusableInput as error:
        print(f"VERDICT: INCONCLUSIVE exit_code={USAGE} reason={error}", flush=True)  # noqa: T201 - the log's last line
        sys.exit(USAGE)
    entry = str(Path(__file__).resolve().with_name("entrypoint.py"))
    os.execve(sys.executable, [sys.executable, entry, *words], os.environ | more)  # noqa: S606 - our own entry point


if __name__ == "__main__":
    main()
