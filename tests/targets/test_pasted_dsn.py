"""An address that people paste is read as asyncpg takes it, or is one sentence of advice; nothing is contacted."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import certifi
import pytest
from asyncpg import connect_utils
from hypothesis import given
from hypothesis import strategies as st

from probes.database.connection import as_taken, describe_url
from probes.secret import Secret
from targets.credentials import what_is_wrong
from targets.leave import hosts
from targets.loading import ConfigurationError, load_target
from targets.pasted_dsn import DROPPED, SSL_MODES, read_pasted
from tests.targets.test_loading import write

BASE, ROOTS = "postgresql://u:p@db/x", certifi.where()
READ = {
    "SQLAlchemy, asyncpg": ("postgresql+asyncpg://u:p@db/x", BASE),
    "SQLAlchemy, psycopg2": ("postgresql+psycopg2://u:p@db:6432/x", "postgresql://u:p@db:6432/x"),
    "SQLAlchemy, psycopg": ("postgresql+psycopg://u:p@db/x", BASE),
    "Heroku": ("postgres://u:p@db/x", BASE),
    "capitals": ("PostgreSQL://u:p@db/x", BASE),
    "sslmode": (f"{BASE}?sslmode=require", f"{BASE}?sslmode=require"),
    "ssl of asyncpg's dialect": (f"{BASE}?ssl=require", f"{BASE}?sslmode=require"),
    "ssl=true": (f"{BASE}?ssl=true", f"{BASE}?sslrootcert=system&sslmode=verify-full"),
    "libpq 16's system roots": (f"{BASE}?sslrootcert=system", f"{BASE}?sslrootcert=system&sslmode=verify-full"),
    "the same, in full": (
        f"{BASE}?sslmode=verify-full&sslrootcert=system",
        f"{BASE}?sslrootcert=system&sslmode=verify-full",
    ),
    "ssl=no-verify": (f"{BASE}?ssl=no-verify", f"{BASE}?sslmode=require"),
    "both alike": (f"{BASE}?ssl=true&sslmode=require", f"{BASE}?sslmode=require"),
    "channel_binding=prefer": (f"{BASE}?sslmode=require&channel_binding=prefer", f"{BASE}?sslmode=require"),
    "connect_timeout": (f"{BASE}?connect_timeout=10&application_name=app", BASE),
    "an empty setting": (f"{BASE}?sslmode=&x", BASE),
    "several hosts": (
        "postgresql://u:p@a:1,b:2/x?target_session_attrs=any",
        "postgresql://u:p@a:1,b:2/x?target_session_attrs=any",
    ),
    "a socket's folder": (
        "postgresql+asyncpg://u:p@/x?host=/cloudsql/pro:reg:ins",
        "postgresql://u:p@/x?host=/cloudsql/pro:reg:ins",
    ),
    "a socket as pg8000 has it": (
        "postgresql+pg8000://u:p@/x?unix_sock=/cloudsql/p:r:i/.s.PGSQL.5432",
        "postgresql://u:p@/x?host=/cloudsql/p:r:i",
    ),
    "a folder in the host's place": ("postgresql://u:p@%2Fvar%2Frun/x", "postgresql://u:p@%2Fvar%2Frun/x"),
    "an @ in the password": ("postgresql://u:p@ss@db/x", "postgresql://u:p%40ss@db/x"),
    "IPv6": ("postgresql://u:p@[::1]:5432/x", "postgresql://u:p@[::1]:5432/x"),
    "a port among the settings": ("postgresql://u:p@/x?host=a,b&port=5433", "postgresql://u:p@/x?host=a,b&port=5433"),
    "a port for each host": ("postgresql://u:p@/x?host=a,b&port=1,2", "postgresql://u:p@/x?host=a,b&port=1,2"),
    "the last port": ("postgresql://u:p@db:65535/x", "postgresql://u:p@db:65535/x"),
    "a setting twice": (f"{BASE}?role=a&role=b", f"{BASE}?role=a"),
    "ssl=0": (f"{BASE}?ssl=0", f"{BASE}?sslmode=disable"),
    "roots of one's own": (f"{BASE}?ssl=true&sslrootcert={ROOTS}", f"{BASE}?sslmode=verify-full&sslrootcert={ROOTS}"),
    "Prisma's schema": (f"{BASE}?schema=app", f"{BASE}?search_path=app"),
}
ADVISED = {
    "jdbc": ("jdbc:postgresql://db/x?user=u&password=canary", "begins with something else"),
    "another driver": ("postgresql+odbc://u:canary@db/x", "begins with postgresql+odbc://"),
    "keywords": ("host=db password=canary", "is not a URL"),
    "channel_binding": (f"{BASE}?channel_binding=require", "requires channel_binding"),
    "sslmode": (f"{BASE}?sslmode=canary", "not one of allow"),
    "roots for nothing": (f"{BASE}?sslmode=require&sslrootcert=system", "write sslmode=verify-full"),
    "two that differ": (f"{BASE}?sslmode=disable&ssl=true", "two that differ"),
    "a host twice": (f"{BASE}?host=/var/run", "has a host before"),
    "an unknown setting": (f"{BASE}?canari=canary", "?canari="),
    "a service's file": (f"{BASE}?service=canary", "?service="),
    "a port": ("postgresql://u:canary@db:99999/x", "its port is not a number"),
    "a port too high": ("postgresql://u:canary@db:65536/x", "its port is not a number"),
    "ports": ("postgresql://u:canary@/x?host=a,b,c&port=1,2", "different numbers of ports"),
    "a port among the settings": ("postgresql://u:canary@/x?host=a&port=70000", "?port= that is not a number"),
    "a port of zero": ("postgresql://u:canary@db:0/x", "its port is not a number"),
    "a socket outside a folder": ("postgresql://u:canary@/x?unix_sock=db", "?unix_sock= that is neither"),
    "a host's port past the last": ("postgresql://u:canary@/x?host=a:65536", "?host= that is neither"),
    "hosts that are none": ("postgresql://u:canary@/x?host=a:b:c", "?host= that is neither"),
    "a space": ("postgresql://u:canary@db/x y", "a space or a line break"),
    "an open bracket": ("postgresql://u:canary@[::1/x", "a bracket is open"),
    "a setting with a space": (f"{BASE}?CANARY%20=canary", "has something after its ?"),
    "slash": ("postgresql://u:ca/nary@db/x", "%2F"),
}


def taken(dsn: str) -> tuple[list[Any], Any]:
    """What asyncpg itself makes of it: the addresses, and user, password, database and settings."""
    named = connect_utils._parse_connect_dsn_and_args(  # type: ignore[attr-defined] # the stubs leave it out
        dsn=dsn,
        host=None,
        port=None,
        user=None,
        password=None,
        passfile=None,
        database=None,
        ssl=None,
        service=None,
        servicefile=None,
        direct_tls=None,
        server_settings=None,
        target_session_attrs=None,
        krbsrvname=None,
        gsslib=None,
    )
    return list(named[0]), named[1]


@pytest.mark.parametrize("case", READ)
def test_what_people_paste_is_read(case: str) -> None:
    pasted, wanted = READ[case]
    read = read_pasted(pasted)
    assert (read.url, read.advice) == (wanted, "")
    assert read_pasted(read.url).url == read.url
    addresses, settings = taken(as_taken(read.url)[0])
    assert addresses
    assert (settings.user, settings.database) == ("u", "x")
    assert settings.password == ("p@ss" if "ss@" in pasted else "p")


@pytest.mark.parametrize("case", ADVISED)
def test_what_can_not_be_taken_is_one_sentence(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pasted, said = ADVISED[case]
    write(tmp_path)
    monkeypatch.setenv("NETRA_DATABASE__URL", pasted)
    with pytest.raises(ConfigurationError) as caught:
        load_target("mine", tmp_path)
    assert "NETRA_DATABASE__URL" in str(caught.value)
    assert said in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("word, pooled", [("true", True), ("1", True), ("ON", True), ("false", False), ("0", False)])
def test_a_pooler_is_there_if_the_address_says_so(word: str, *, pooled: bool) -> None:
    assert read_pasted(f"{BASE}?pgbouncer={word}").pgbouncer is pooled
    assert not read_pasted(BASE).pgbouncer


def test_a_pooler_that_the_address_names_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setenv("NETRA_DATABASE__URL", f"{BASE}?pgbouncer=true")
    target = load_target("mine", tmp_path)
    assert target.database.url == Secret(BASE)
    assert target.database.pgbouncer


WORD = st.text("abcxyz019-", min_size=1, max_size=9).filter(lambda text: text[0].isalpha())
PASSWORD = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
SETTINGS = {
    **dict.fromkeys(sorted(DROPPED), "5"),
    "channel_binding": "prefer",
    "pgbouncer": "true",
    "ssl": "require",
    "sslmode": "require",
    "target_session_attrs": "any",
}


@given(
    scheme=st.sampled_from(["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2"]),
    password=PASSWORD,
    place=st.lists(st.tuples(WORD, st.integers(1, 65_535)), min_size=1, max_size=3),
    settings=st.sets(st.sampled_from(sorted(SETTINGS))),
)
def test_who_where_and_what_come_through_whatever_else_is_pasted(
    scheme: str, password: str, place: list[tuple[str, int]], settings: set[str]
) -> None:
    at = ",".join(f"{host}:{port}" for host, port in place)
    query = "&".join(f"{name}={SETTINGS[name]}" for name in sorted(settings))
    read = read_pasted(f"{scheme}://ann:{quote(password, safe='@!$&*+=;:')}@{at}/main{'?' if query else ''}{query}")
    assert not read.advice
    addresses, said = taken(read.url)
    assert addresses == place
    assert (said.user, said.password, said.database, said.server_settings) == ("ann", password, "main", None)
    assert read.pgbouncer is ("pgbouncer" in settings)
    assert hosts(read.url) == [host for host, _ in place]


SCRAPS = st.sampled_from(
    [
        "postgresql://",
        "postgres+psycopg2://",
        "u:",
        "se/cret",
        "p%41",
        "@",
        ":",
        ",",
        "/x",
        "?",
        "&",
        "host=",
        "ssl=true",
        "port=",
        "[",
        "]",
        "::1",
        "5432",
        "%2Frun",
        "#",
        " ",
        "\n",
        "\x00",
        "\u00e9",
        "sslmode=",
        *sorted(SSL_MODES),
    ]
)


@given(st.one_of(st.text(max_size=40), st.lists(SCRAPS, max_size=12).map("".join)))
def test_any_text_is_read_or_advised_and_reads_the_same_again(text: str) -> None:
    read = read_pasted(text)
    if read.advice:
        assert read.url == text
        assert what_is_wrong({"database.url": Secret(text)}, token_is_used=False, algorithm="HS256") or not text
    else:
        assert read_pasted(read.url).url == read.url
        taken(read.url)


@pytest.mark.parametrize(
    "url, said",
    [
        ("postgresql://u:canary@db/x", "postgresql://db:5432/x"),
        ("postgresql://u:canary@a:1,b:2/x", "postgresql://a:1,b:2/x"),
        ("postgresql://u:canary@/x?host=/run/pg", "postgresql:///run/pg/x"),
    ],
)
def test_a_place_is_said_without_credentials(url: str, said: str) -> None:
    assert describe_url(Secret(url)) == said
