"""A database's address as people paste it (from SQLAlchemy, Prisma, a console): converted for asyncpg, or advice."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from targets.dsn import SCHEMES, is_url

DRIVERS = ("asyncpg", "psycopg", "psycopg2", "psycopg2cffi", "pg8000", "psycopg_async", "aiopg")  # SQLAlchemy's
TO_BE_CODED = "/?#["  # in a password, these would end or break its part of the URL
SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
# Other drivers' values. The drivers that allow `?ssl=true` (JDBC, node-postgres) then verify the certificate with the
# machine's trusted roots; an additional `sslmode` is more specific and takes precedence.
VERIFIED = "verify-full"
BARE = frozenset({"true", "1", "on"})
SSL_WORDS = dict.fromkeys(BARE, VERIFIED) | {
    "false": "disable",
    "0": "disable",
    "off": "disable",
    "no-verify": "require",
}
SYSTEM, ROOTS = "system", "sslrootcert"  # libpq's name for the machine's trusted roots
# asyncpg's own settings, and server settings that it passes on unchanged.
TAKEN = frozenset(
    {
        "host",
        "port",
        "user",
        "password",
        "dbname",
        "database",
        "passfile",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "sslcrl",
        "sslpassword",
        "sslnegotiation",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
        "options",
        "search_path",
        "role",
        "timezone",
    }
)
# Settings for pools, ORMs or libpq: here `[deadlines]` or our own name take their place, or nothing does.
DROPPED = frozenset(
    {
        "connect_timeout",
        "application_name",
        "fallback_application_name",
        "client_encoding",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "gssencmode",
        "connection_limit",
        "pool_timeout",
        "pool_size",
        "max_overflow",
        "socket_timeout",
        "statement_cache_size",
        "prepared_statement_cache_size",
        "async_fallback",
        "sslaccept",
        "command_timeout",
        "timeout",
        "supa",
    }
)
SSL = frozenset({"ssl", "sslmode"})
BINDING, POOLER, SCHEMA, UNIX = "channel_binding", "pgbouncer", "schema", "unix_sock"
HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:]+)(:\d{1,5})?")
LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Pasted:
    """An address after reading it: the URL for asyncpg, or why there is none."""

    url: str
    pgbouncer: bool = False  # whether it says that a pooler is in front
    advice: str = ""  # the end of a sentence that begins with the variable's name; contains no part of the address


def read_pasted(dsn: str) -> Pasted:
    """Read any address; contacts nothing and raises nothing. Reading the result again gives the same result."""
    if not is_url(dsn):
        return Pasted(dsn, advice="is not a URL: write postgresql://user:password@host:port/database")
    scheme, _, rest = dsn.partition("://")
    family, _, driver = scheme.lower().partition("+")
    if family not in SCHEMES or (driver and driver not in DRIVERS):
        # show the scheme only if it is a plausible one: in a mangled address a password may be there
        shown = f"{scheme}://" if family in SCHEMES and driver.isalnum() else "something else"
        return Pasted(dsn, advice=f"begins with {shown}, but must begin with postgresql://")
    advice = next(_wrong_before(rest), "")
    if advice:
        return Pasted(dsn, advice=advice)
    parts = urlsplit(f"postgresql://{rest}")
    query = parse_qsl(parts.query)
    advice = next(_wrong_in(parts.netloc.rpartition("@")[2], query), "")
    if advice:
        return Pasted(dsn, advice=advice)
    kept, pgbouncer = _settings(query)
    credentials, at, place = parts.netloc.rpartition("@")
    netloc = f"{credentials.replace('@', '%40')}{at}{place}"  # asyncpg ends the password at the first @
    settings = f"?{urlencode(kept, quote_via=quote, safe='/:,')}" if kept else ""
    return Pasted(f"postgresql://{netloc}{parts.path}{settings}", pgbouncer)


def _wrong_before(rest: str) -> Iterator[str]:
    """Why it can't be read as a URL at all."""
    before, at, _ = rest.rpartition("@")
    if at and any(letter in before for letter in TO_BE_CODED):
        yield "has a /, ?, # or [ in its password; write those as %2F, %3F, %23 and %5B"
    if any(ord(letter) <= ord(" ") for letter in rest):
        yield "contains a space or a line break: copy it again as one word"
    try:
        place = urlsplit(f"postgresql://{rest}").netloc.rpartition("@")[2]
    except ValueError:
        place = "["
    hosts = place.split(",") if place else []
    if not all(_is_host(host) for host in hosts):
        yield "can't be read as a URL (its port is not a number, or a bracket is open): check user, password and port"


def _is_host(text: str) -> bool:
    found = HOST.fullmatch(text)
    return found is not None and int((found[2] or ":1")[1:]) in range(1, LAST_PORT + 1)


def _wrong_in(place: str, query: list[tuple[str, str]]) -> Iterator[str]:
    """Settings that are impossible or ambiguous."""
    given = dict(query)
    known = TAKEN | DROPPED | SSL | {BINDING, POOLER, SCHEMA, UNIX}
    for name in given:
        if name not in known:
            shown = f"?{name}=" if re.fullmatch(r"[a-z_]{1,40}", name) else "something"
            yield f"has {shown} after its ?, which is not a supported connection setting: remove it"
    if place and {"host", UNIX} & given.keys():
        yield "has a host before the database and another one after its ?: keep only one of them"
    for name in {"host", UNIX} & given.keys():
        folder = given[name].startswith("/")
        if not folder and (name == UNIX or not all(_is_host(one) for one in given[name].split(","))):
            yield f"has a ?{name}= that is neither a socket's folder (/...) nor a host"
    if not all(_is_host(f"x:{one}") for one in given.get("port", "1").split(",")):
        yield "has a ?port= that is not a number from 1 to 65535"
    if "port" in given and len(given["port"].split(",")) not in {1, len(given.get("host", place).split(","))}:
        yield "has different numbers of ports and hosts: write host:port,host:port"
    yield from _wrong_tls(given)
    if given.get(BINDING, "prefer") not in {"prefer", "disable"}:
        yield f"requires {BINDING}, which asyncpg does not support: remove it, and use sslmode=verify-full instead"


def _wrong_tls(given: Mapping[str, str]) -> Iterator[str]:
    """What is ambiguous about encryption and trusted roots."""
    modes = set(_modes(given))
    if not modes <= SSL_MODES or len(modes) > 1:
        yield f"has an ?sslmode= or ?ssl= that is not one of {', '.join(sorted(SSL_MODES))}, or two that differ"
    if given.get(ROOTS) == SYSTEM and modes - {VERIFIED}:
        yield f"has {ROOTS}={SYSTEM} but an sslmode that verifies nothing: write sslmode={VERIFIED}"


def _settings(query: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], bool]:
    """The settings for asyncpg, under its own names, and whether there is a pooler."""
    kept: dict[str, str] = {}
    pgbouncer = False
    given = dict(query)
    modes = _modes(given)
    if given.get(ROOTS) == SYSTEM or (
        modes == [VERIFIED] and given.get("ssl", "").lower() in BARE and ROOTS not in given
    ):
        modes, kept[ROOTS] = [VERIFIED], SYSTEM
    for name, value in query:
        if name in SSL:
            kept["sslmode"] = modes[0]
        elif name == POOLER:
            pgbouncer = value.lower() in {"true", "1", "on"}
        elif name == SCHEMA:
            kept["search_path"] = value
        elif name == UNIX:
            kept["host"] = re.sub(r"/\.s\.PGSQL\.\d+$", "", value)
        elif name in TAKEN:
            kept.setdefault(name, value)
    if kept.get(ROOTS) == SYSTEM:
        kept["sslmode"] = VERIFIED
    return list(kept.items()), pgbouncer


def _modes(given: Mapping[str, str]) -> list[str]:
    """The requested TLS modes, by libpq's names: several if they differ."""
    modes = {name: SSL_WORDS.get(given[name].lower(), given[name].lower()) for name in SSL & given.keys()}
    if given.get("ssl", "").lower() in BARE and modes.get("sslmode", "disable") != "disable":
        del modes["ssl"]
    return sorted(set(modes.values()))
