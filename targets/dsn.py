"""Which parts of a database's address are secret, in both forms: a URL, or libpq's keywords."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from probes.secret import Secret

# libpq: keyword = value, the value bare or between single quotes, with \' and \\ in it; doubled quotes are tolerated
KEYWORD = re.compile(r"\b(\w+)\s*=\s*(?:'((?:[^'\\]|\\.|'')*)'|((?:[^\s\\']|\\.)*))", re.DOTALL)
SECRET_KEYS = frozenset({"password", "sslpassword", "sslkey", "passfile"})
SCHEMES = ("postgres", "postgresql")
LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")


def is_url(dsn: str) -> bool:
    """Whether it has the form of a URL; otherwise it is read as keywords."""
    return "://" in dsn


def secrets_of_dsn(url: Secret) -> tuple[Secret, ...]:
    """Every possible reading of the password in an address, even if the address is malformed."""
    dsn = url.reveal()
    found = _of_url(dsn) if is_url(dsn) else _of_keywords(dsn)
    spellings = dict.fromkeys(spelling for one in found for spelling in (one, unquote(one)) if spelling)
    return tuple(Secret(spelling) for spelling in spellings)


def stays_private(url: Secret) -> bool:
    """Whether the connection can't be read on the way: it uses TLS, or does not leave this machine."""
    parts = urlsplit(url.reveal())
    settings = dict(parse_qsl(parts.query))
    hosts = settings.get("host", "") or parts.netloc.rpartition("@")[2]
    at_home = all(one.startswith("/") or LOOPBACK.fullmatch(one) for one in hosts.split(",") if one)
    return at_home or settings.get("sslmode") in {"require", "verify-ca", "verify-full"}


def _of_url(dsn: str) -> Iterator[str]:
    """The password up to the last @, as its author meant it, and up to the first @, as a parser may read it."""
    rest = dsn.partition("://")[2]
    before, at, _ = rest.rpartition("@")
    if at:
        yield before.partition(":")[2]
        yield rest.partition("@")[0].partition(":")[2]
    query = dsn.partition("?")[2].partition("#")[0]
    yield from (value for key, value in parse_qsl(query, keep_blank_values=True) if key in SECRET_KEYS)


def _of_keywords(dsn: str) -> Iterator[str]:
    for match in KEYWORD.finditer(dsn):
        if match[1] in SECRET_KEYS:
            quoted = match[2] or match[3] or ""
            yield quoted
            yield re.sub(r"\\(.)", r"\1", quoted.replace("''", "'"))
