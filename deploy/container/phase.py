#!/usr/bin/env python3
"""One phase as described by a pipeline's variables: they are checked and become the entry point's options.

    PHASE TARGET                 the phase and its target
    TARGETS_DIR KNOWN_FAILURES   files in the calling repository, which is in CALLING
    TAG SHARE QUICK WRITE        for a candidate; smaller samples; permission to seed rows
    SECRETS_OF TOKEN_WAY         the secrets' common beginning (projects/P/secrets/PREFIX), and which of them are read
    EXTRA                        more variables, one NAME=value per line; they win, and an empty one removes a default

Unusable variables give one sentence and exit code 4, before anything is contacted.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

USAGE = 4
PHASES = ("candidate", "smoke", "soak", "day", "gate")
# The ways to a valid token: the target's credential, and the end of its secret's name.
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
    """A pipeline's variable can't be used; the text has its name and what it must be."""


def words_for(given: Mapping[str, str]) -> list[str]:
    """The entry point's arguments. Raises UnusableInput."""
    phase, target = given.get("PHASE", ""), given.get("TARGET", "")
    if phase not in PHASES:
        raise UnusableInput(f"PHASE is {phase!r}: one of {', '.join(PHASES)}")
    if not target:
        raise UnusableInput("TARGET is empty: set it to a target, such as staging")
    words = ["gate", f"--target={target}"] if phase == "gate" else [f"--target={target}", f"--phase={phase}"]
    words += [f"--targets-dir={path}" for path in _calling(given, "TARGETS_DIR")]
    if phase == "gate":
        return words
    words += [f"--known-failures={path}" for path in _calling(given, "KNOWN_FAILURES")]
    words += ["--quick"] if _is_on(given, "QUICK") else []
    if phase == "candidate":
        words += [f"--tag={given.get('TAG') or 'verify'}", f"--share={given.get('SHARE') or 0}"]
    return words


def variables_for(given: Mapping[str, str]) -> dict[str, str]:
    """Additional variables: references to secrets, permission to write, and the caller's own. Raises UnusableInput."""
    found: dict[str, str] = {}
    prefix, way = given.get("SECRETS_OF", ""), given.get("TOKEN_WAY") or "sign"
    if way not in WAYS:
        raise UnusableInput(f"TOKEN_WAY is {way!r}: one of {', '.join(WAYS)}")
    if prefix:
        if not PREFIX.fullmatch(prefix):
            raise UnusableInput(f"SECRETS_OF is {prefix!r}: write projects/PROJECT/secrets/PREFIX")
        for name, ending in ({WAYS[way][0]: WAYS[way][1]} | ALWAYS).items():
            found[name] = f"secret:{prefix}-{ending}/versions/latest"
    if _is_on(given, "WRITE"):
        found["NETRA_WRITING__CONFIRM"] = given.get("TARGET", "")
    return found | dict(_extra(given.get("EXTRA", "")))


def _extra(text: str) -> Iterator[tuple[str, str]]:
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals or not NAME.fullmatch(name):
            # the line is not shown: it may contain a secret
            raise UnusableInput("EXTRA has a line that is not NAME=value: write one variable per line")
        yield name, value


def _calling(given: Mapping[str, str], name: str) -> list[Path]:
    """A path in the calling repository as a path on this machine; empty if none is given."""
    if not given.get(name):
        return []
    path = (Path(given.get("CALLING") or ".") / given[name]).resolve()
    if not path.exists():
        raise UnusableInput(
            f"{name} is {given[name]!r}, but there is no {path}: give it relative to the repository's root"
        )
    return [path]


def _is_on(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "").lower()
    if value not in YES | NO:
        raise UnusableInput(f"{name} is {value!r}: write true or false")
    return value in YES


def main() -> None:
    """Become the entry point, or exit with 4 if the variables can't be used."""
    try:
        words, more = words_for(os.environ), variables_for(os.environ)
    except UnusableInput as error:
        print(f"VERDICT: INCONCLUSIVE exit_code={USAGE} reason={error}", flush=True)  # noqa: T201 - the log's last line
        sys.exit(USAGE)
    entry = str(Path(__file__).resolve().with_name("entrypoint.py"))
    os.execve(sys.executable, [sys.executable, entry, *words], os.environ | more)  # noqa: S606 - our own entry point


if __name__ == "__main__":
    main()
