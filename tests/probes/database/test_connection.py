"""Opening the target's database: where it is said to be, what is set for a session, and why it does not let us in."""

import asyncio
import ssl

import asyncpg
import pytest

from probes.database import connection as opening
from probes.database.connection import (
    Connection,
    TableShape,
    as_taken,
    connect,
    describe_url,
    ended_if_lost,
    find_table,
    limit_waiting,
    read_heads,
    turn_on,
)
from probes.errors import SourceRefused
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from tests.loopback import LOOPBACK, listening
from tests.probes.database.conftest import DEADLINES, Database
from tests.system.waiting import HANGS_S
from twin.postgres import Postgres

ODD = Deadlines(statement=7.0, lock=3.0)


@pytest.mark.parametrize(
    "url, said",
    [
        ("postgresql://user:opensesame@db.example/netra", "postgresql://db.example:5432/netra"),
        ("postgresql://user:open@sesame@db.example:6432/netra", "postgresql://db.example:6432/netra"),
        ("postgresql://db.example/netra", "postgresql://db.example:5432/netra"),
        ("postgresql://u@one.example,two.example/netra", "postgresql://one.example,two.example/netra"),
        ("postgresql://u@[2001:db8::1]/netra", "postgresql://[2001:db8::1]:5432/netra"),
        ("postgresql://u@/netra?host=/run/sockets", "postgresql:///run/sockets/netra"),
        ("postgresql://u@/netra?host=db.example", "postgresql://db.example:5432/netra"),
        ("postgresql://u@%2Frun%2Fsockets/netra", "postgresql://%2Frun%2Fsockets/netra"),
        ("postgresql://u@%2frun/netra", "postgresql://%2frun/netra"),
        ("postgresql:///netra", "postgresql:///netra"),
        ("postgresql://[u:opensesame@db/netra", "the database of database.url"),
    ],
)
def test_a_database_is_named_by_its_place_without_credentials(url: str, said: str) -> None:
    assert describe_url(Secret(url)) == said


@pytest.mark.parametrize("query", ["", "?sslmode=require", "?sslrootcert=/ca.pem&sslmode=verify-full"])
def test_an_address_without_the_machines_trust_is_left_as_it_is(query: str) -> None:
    url = f"postgresql://u@db.example/netra{query}"
    assert as_taken(url) == (url, None)


@pytest.mark.parametrize(
    "query, left",
    [
        ("sslrootcert=system", ""),
        ("sslmode=disable&sslrootcert=system", ""),
        ("host=/run/a,b:1&sslrootcert=system&sslmode=require&user=a%20b", "?host=/run/a,b:1&user=a%20b"),
    ],
)
def test_the_machines_trust_means_a_certificate_for_the_host(query: str, left: str) -> None:
    address, context = as_taken(f"postgresql://u:p%40ss@db.example/netra?{query}")
    assert address == f"postgresql://u:p%40ss@db.example/netra{left}"
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_store_of_the_environment_replaces_the_usual_list(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = as_taken("postgresql://db.example/?sslrootcert=system")[1]
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    own = as_taken("postgresql://db.example/?sslrootcert=system")[1]
    assert usual is not None
    assert own is not None
    assert usual.cert_store_stats()["x509_ca"] > 0
    assert own.cert_store_stats()["x509_ca"] < usual.cert_store_stats()["x509_ca"]


async def refusal(url: str, deadlines: Deadlines = DEADLINES) -> str:
    with pytest.raises(SourceRefused) as caught:
        async with connect(Secret(url), "self-test", deadlines):
            raise AssertionError
    assert caught.value.request == describe_url(Secret(url))
    assert "opensesame" not in str(caught.value)
    return caught.value.detail


async def test_why_a_database_does_not_let_us_in_is_said_with_the_key_to_look_at(database: Database) -> None:
    wrong = database.url.replace("netra_verify:", "netra_verify:opensesame")
    missing = database.url.rpartition("/")[0] + "/no_such_database"
    shut = await refusal(f"postgresql://u:opensesame@{LOOPBACK}:9/netra")
    assert await refusal(wrong) == "the password or the user is wrong (database.url)"
    assert (await refusal(missing)).endswith('"no_such_database" does not exist (database.url)')
    assert (await refusal(missing)).startswith("InvalidCatalogNameError: ")
    assert shut == f"unreachable: Connect call failed ('{LOOPBACK}', 9) (database.url)"


async def test_a_database_that_says_nothing_is_given_up_at_the_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with listening(silent) as port:
        url = f"postgresql://u:opensesame@{LOOPBACK}:{port}/netra?sslmode=disable"
        assert await refusal(url, Deadlines(connect_database=0.2)) == "no connection within 0.2 s"


async def test_a_session_names_the_run_and_has_our_deadlines(database: Database) -> None:
    async with connect(Secret(database.url), "r" * 80, ODD) as connection:
        assert await connection.fetchval("SHOW application_name") == f"netra-verify {'r' * 50}"
        assert await connection.fetchval("SHOW statement_timeout") == "7s"
        assert await connection.fetchval("SHOW lock_timeout") == "3s"
        await connection.fetch("SELECT 1")
        assert await connection.fetchval("SELECT count(*) FROM pg_prepared_statements") > 0
    assert connection.is_closed()


async def test_behind_pgbouncer_nothing_is_set_or_prepared_for_the_session(database: Database) -> None:
    async with connect(Secret(database.url), "self-test", ODD, pgbouncer=True) as connection:
        assert await connection.fetchval("SHOW application_name") == ""
        assert await connection.fetchval("SHOW statement_timeout") == "0"
        assert await connection.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name NOT LIKE ''") == 0
        async with connection.transaction():
            await limit_waiting(connection, ODD)
            assert await connection.fetchval("SHOW statement_timeout") == "7s"
            assert await connection.fetchval("SHOW lock_timeout") == "3s"
        assert await connection.fetchval("SHOW lock_timeout") == "0"


async def execute(
    database: Database, *statements: str, deadlines: Deadlines = DEADLINES, pgbouncer: bool = False
) -> None:
    """Run statements on a connection of their own."""
    async with connect(Secret(database.url), "self-test", deadlines, pgbouncer=pgbouncer) as connection:
        for statement in statements:
            await connection.execute(statement)


async def test_a_statement_that_takes_too_long_is_ended_by_the_server_or_else_by_us(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Deadlines(statement=0.2)
    with monkeypatch.context() as patient:
        patient.setattr(opening, "SERVER_FIRST_S", HANGS_S)
        with pytest.raises(SourceRefused) as by_server:
            await execute(database, "SELECT pg_sleep(600)", deadlines=short)
    with pytest.raises(SourceRefused) as by_us:
        await execute(database, "SELECT pg_sleep(600)", deadlines=short, pgbouncer=True)
    assert by_server.value.detail.startswith("QueryCanceledError: canceling statement due to statement timeout")
    assert by_us.value.detail == "timeout: a statement took longer than 0.2 s"


@pytest.mark.parametrize(
    "arranged, asked, said",
    [
        ("SELECT 1", "SELECT * FROM pg_authid", "our user may not do that: permission denied for table pg_authid"),
        (
            "SET default_transaction_read_only = on",
            "DELETE FROM threads",
            "it is a read-only replica",
        ),
        ("SELECT 1", "SELECT 1/0", "DivisionByZeroError: division by zero"),
        ("SELECT 1", "SELECT pg_terminate_backend(pg_backend_pid())", "ConnectionDoesNotExistError: "),
    ],
)
async def test_why_a_statement_was_refused_is_said(arranged: str, asked: str, said: str, database: Database) -> None:
    with pytest.raises(SourceRefused) as caught:
        await execute(database, arranged, asked)
    assert caught.value.detail.startswith(said)


async def test_an_error_that_is_not_the_databases_passes_through(database: Database) -> None:
    opened = list[Connection]()

    async def fail() -> None:
        async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
            opened.append(connection)
            raise KeyError("a mistake of the caller")

    with pytest.raises(KeyError, match="a mistake of the caller"):
        await fail()
    assert opened[0].is_closed()


async def wait_on(connection: Connection) -> None:
    async with ended_if_lost(connection, 2 * HANGS_S):
        await asyncio.Event().wait()


async def test_a_block_ends_with_its_connection_or_its_time(database: Database, postgres: Postgres) -> None:
    admin = await asyncpg.connect(postgres.url("postgres", postgres.admin))
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        async with ended_if_lost(connection, HANGS_S):
            assert await connection.fetchval("SELECT 1") == 1
        with pytest.raises(TimeoutError):
            async with ended_if_lost(connection, 0.05):
                await asyncio.Event().wait()
        assert not connection.is_closed()
        pid = connection.get_server_pid()
        lost = asyncio.create_task(wait_on(connection))
        await admin.execute("SELECT pg_terminate_backend($1)", pid)
        done, _ = await asyncio.wait({lost}, timeout=HANGS_S)
        assert done
        assert isinstance(lost.exception(), TimeoutError)
        assert connection.is_closed()
    await admin.close()


async def test_one_statement_at_a_time_has_its_turn_on_a_connection(database: Database) -> None:
    async with (
        connect(Secret(database.url), "self-test", DEADLINES) as one,
        connect(Secret(database.url), "self-test", DEADLINES) as other,
    ):
        assert turn_on(one) is turn_on(one)
        assert turn_on(one) is not turn_on(other)


async def test_a_table_has_the_columns_that_are_left_with_their_types(database: Database) -> None:
    await database.owner.execute("ALTER TABLE threads DROP COLUMN title CASCADE")
    await database.owner.execute('CREATE TABLE "Odd name" (id integer)')
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        found = await find_table(connection, "threads")
        assert isinstance(found, TableShape)
        assert found.name == "threads"
        assert found.columns["id"] == "text" or found.columns["id"].startswith("character varying")
        assert found.columns["metadata_"] == "jsonb"
        assert not {"title", "ctid"} & set(found.columns)
        assert await find_table(connection, "no_such_table") is None
        odd = await find_table(connection, '"Odd name"')
        assert odd is not None
        assert (odd.name, odd.columns) == ('"Odd name"', {"id": "integer"})


async def test_the_heads_of_the_migrations_are_a_set_and_none_without_a_table(database: Database) -> None:
    async with connect(Secret(database.url), "self-test", DEADLINES) as connection:
        before = await read_heads(connection, "alembic_version")
        assert before is not None
        assert len(before) == 1
        await database.owner.execute("INSERT INTO alembic_version VALUES ('another')")
        assert await read_heads(connection, "public.alembic_version") == before | {"another"}
        await database.owner.execute("DELETE FROM alembic_version")
        assert await read_heads(connection, "alembic_version") == frozenset()
        assert await read_heads(connection, "no_such_table") is None
