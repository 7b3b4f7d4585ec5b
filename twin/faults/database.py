"""Faults of the data and of the schema: rows that broke the endpoint, and migrations that did not run as planned."""

from typing import TYPE_CHECKING

import asyncpg

from twin.switching.registry import Undo, fault

if TYPE_CHECKING:
    from twin.postgres import Postgres

ROW = "thread-of-the-past"
OWNER_INDEX = (
    "CREATE INDEX ix_threads_owner ON threads (user_id, updated_at DESC NULLS LAST, id DESC) WHERE deleted_at IS NULL"
)
METADATA_INDEX = (
    "CREATE INDEX ix_threads_metadata_owner ON threads ((metadata_ ->> 'user_id')) "
    "WHERE user_id IS NULL AND deleted_at IS NULL"
)


async def _execute(postgres: "Postgres", *statements: str) -> None:
    connection = await asyncpg.connect(postgres.owner_url, statement_cache_size=0)
    try:
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)
    finally:
        await connection.close()


async def _changing(postgres: "Postgres", there: tuple[str, ...], back: tuple[str, ...]) -> Undo:
    await _execute(postgres, *there)

    async def undo() -> None:
        await _execute(postgres, *back)

    return undo


async def _row(postgres: "Postgres", metadata: str, user_id: str = "'user-of-the-past'") -> Undo:
    """Two rows of somebody else with this metadata (an SQL expression)."""
    rows = ", ".join(f"('{ROW}-{n}', {user_id}, {metadata}, now(), now())" for n in (1, 2))
    insert = f"INSERT INTO threads (id, user_id, metadata_, created_at, updated_at) VALUES {rows}"  # noqa: S608 - ours
    return await _changing(postgres, (insert,), (f"DELETE FROM threads WHERE id LIKE '{ROW}%'",))  # noqa: S608 - ours


@fault("data.row-sql-null", place="database", seen="as found on 7 January: rows of before the metadata column")
async def row_sql_null(postgres: "Postgres") -> Undo:
    """Rows whose metadata is SQL NULL."""
    return await _row(postgres, "NULL")


@fault("data.row-json-null", place="database", seen="an ORM that writes None as JSON null")
async def row_json_null(postgres: "Postgres") -> Undo:
    """Rows whose metadata is JSON null: IS NULL does not find them."""
    return await _row(postgres, "'null'::jsonb")


@fault("data.row-array", place="database", seen="a client that sent []")
async def row_array(postgres: "Postgres") -> Undo:
    """Rows whose metadata is an array."""
    return await _row(postgres, "'[]'::jsonb")


@fault("data.row-scalar", place="database", seen="double-encoded JSON: a string of an object")
async def row_scalar(postgres: "Postgres") -> Undo:
    """Rows whose metadata is a string."""
    return await _row(postgres, """'"{\\"user_id\\": \\"x\\"}"'::jsonb""")


@fault("data.owner-missing", place="database", seen="Fix 2's backfill before the column was filled")
async def owner_missing(postgres: "Postgres") -> Undo:
    """Rows without an owner."""
    return await _row(postgres, "'{}'::jsonb", "NULL")


@fault("data.owners-disagree", place="database", seen="a thread handed over by changing the column alone")
async def owners_disagree(postgres: "Postgres") -> Undo:
    """Rows with one owner in the column and another in the metadata."""
    return await _row(postgres, """'{"user_id": "somebody-else"}'::jsonb""")


def _retyped(kind: str) -> tuple[str, ...]:
    return (
        "DROP INDEX IF EXISTS ix_threads_metadata_owner",
        f"ALTER TABLE threads ALTER COLUMN metadata_ TYPE {kind} USING metadata_::{kind}",
    )


@fault("data.metadata-is-text", place="database", seen="created by hand as TEXT: ->> raises, the report's JSONB error")
async def metadata_is_text(postgres: "Postgres") -> Undo:
    """The column is text; every `->>` raises."""
    return await _changing(postgres, _retyped("text"), (*_retyped("jsonb"), METADATA_INDEX))


@fault("data.metadata-is-json", place="database", seen="sa.JSON instead of JSONB (observed on another revision)")
async def metadata_is_json(postgres: "Postgres") -> Undo:
    """The column is json: it works, without index and equality."""
    return await _changing(postgres, (*_retyped("json"), METADATA_INDEX), (*_retyped("jsonb"), METADATA_INDEX))


POISONED = f"""INSERT INTO threads (id, user_id, metadata_, created_at, updated_at) VALUES
('{ROW}-1', 'user-of-the-past', '{{"user_id": "user-of-the-past", "x": "\\u0000"}}', now(), now()),
('{ROW}-2', 'user-of-the-past', '{{"user_id": "user-of-the-past", "x": "\\ud83d"}}', now(), now())"""  # noqa: S608 - ours


@fault("data.row-poisoned", place="database", seen="the service's own code: POST /api/threads took a NUL escape")
async def row_poisoned(postgres: "Postgres") -> Undo:
    """A json column, and two rows in it that `->>` can't read; without its index, which could not be built."""
    return await _changing(
        postgres,
        (*_retyped("json"), POISONED),
        (f"DELETE FROM threads WHERE id LIKE '{ROW}%'", *_retyped("jsonb"), METADATA_INDEX),  # noqa: S608 - ours
    )


def _version(*heads: str) -> tuple[str, ...]:
    said = tuple(f"INSERT INTO alembic_version VALUES ('{head}')" for head in heads)  # noqa: S608 - ours
    return ("DELETE FROM alembic_version", *said)


HEAD = _version("0004_message_times")


@fault("migrations.behind", place="database", seen="as found on 7 January: the deploy ran before the migration")
async def behind(postgres: "Postgres") -> Undo:
    """The last migration is missing."""
    return await _changing(
        postgres,
        (*_version("0002_user_id"), "DROP INDEX ix_threads_owner", "DROP INDEX ix_threads_metadata_owner"),
        (*HEAD, OWNER_INDEX, METADATA_INDEX),
    )


@fault("migrations.ahead", place="database", seen="a rollback of the code that left the schema")
async def ahead(postgres: "Postgres") -> Undo:
    """The database knows a migration that the image does not."""
    return await _changing(postgres, _version("0005_of_the_future"), HEAD)


@fault("migrations.two-heads", place="database", seen="two branches merged without alembic merge")
async def two_heads(postgres: "Postgres") -> Undo:
    """Two heads."""
    return await _changing(postgres, _version("0004_message_times", "0004_other_branch"), HEAD)


@fault("migrations.empty-version-table", place="database", seen="a restore without the version's row")
async def empty_version(postgres: "Postgres") -> Undo:
    """The version table is empty."""
    return await _changing(postgres, _version(), HEAD)


@fault("migrations.no-version-table", place="database", seen="create_all() instead of alembic")
async def no_version_table(postgres: "Postgres") -> Undo:
    """There is no version table."""
    return await _changing(
        postgres,
        ("ALTER TABLE alembic_version RENAME TO alembic_version_of_before",),
        ("ALTER TABLE alembic_version_of_before RENAME TO alembic_version",),
    )


@fault("migrations.column-missing", place="database", seen="observed on another revision: no updated_at")
async def column_missing(postgres: "Postgres") -> Undo:
    """A column that the code needs is not there."""
    return await _changing(
        postgres,
        ("ALTER TABLE threads RENAME COLUMN updated_at TO updated",),
        ("ALTER TABLE threads RENAME COLUMN updated TO updated_at",),
    )


@fault("migrations.column-of-wrong-type", place="database", seen="deleted_at as a flag, as its name does not say")
async def wrong_type(postgres: "Postgres") -> Undo:
    """A column has a type that the code can't work with."""
    indexes = ("DROP INDEX IF EXISTS ix_threads_owner", "DROP INDEX IF EXISTS ix_threads_metadata_owner")
    return await _changing(
        postgres,
        (*indexes, "ALTER TABLE threads ALTER COLUMN deleted_at TYPE boolean USING deleted_at IS NOT NULL"),
        (
            *indexes,
            "ALTER TABLE threads ALTER COLUMN deleted_at TYPE timestamptz USING CASE WHEN deleted_at THEN now() END",
            OWNER_INDEX,
            METADATA_INDEX,
        ),
    )


KEEP = """
CREATE FUNCTION keep_metadata() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW.metadata_ := OLD.metadata_; RETURN NEW; END $$
"""
ON_UPDATE = "CREATE TRIGGER keep_metadata BEFORE UPDATE ON threads FOR EACH ROW EXECUTE FUNCTION keep_metadata()"


@fault("data.trigger-undoes-the-repair", place="database", seen="an audit trigger that writes the old value back")
async def trigger_undoes(postgres: "Postgres") -> Undo:
    """Every update of metadata is silently taken back."""
    return await _changing(
        postgres,
        (KEEP, ON_UPDATE),
        ("DROP TRIGGER keep_metadata ON threads", "DROP FUNCTION keep_metadata()"),
    )


@fault("migrations.another-revision", place="database", seen="observed on another revision: no user_id, metadata_ json")
async def another_revision(postgres: "Postgres") -> Undo:
    """The owner's column is missing and metadata is json: named findings, and no crash of the suite."""
    return await _changing(
        postgres,
        (
            *_retyped("json"),
            "DROP INDEX ix_threads_owner",
            "ALTER TABLE threads RENAME COLUMN user_id TO owner_of_before",
        ),
        (
            "ALTER TABLE threads RENAME COLUMN owner_of_before TO user_id",
            OWNER_INDEX,
            *_retyped("jsonb"),
            METADATA_INDEX,
        ),
    )
