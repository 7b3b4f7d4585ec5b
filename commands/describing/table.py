"""What the database says about the table: its columns and their meaning."""

import re
from collections.abc import Mapping, Sequence

from commands.describing.findings import Findings
from probes.database.connection import Connection, TableShape, find_table, read_heads

# Words in the name of a column that show its purpose, the clearest first; JSON columns and the primary key have a type.
WORDS: Mapping[str, Sequence[str]] = {
    "owner": ("user_id", "owner_id", "owner", "account_id", "account", "user", "author", "tenant"),
    "title": ("title", "subject", "headline", "name"),
    "created_at": ("created", "inserted"),
    "updated_at": ("updated", "changed", "modified"),
    "deleted_at": ("deleted", "removed", "archived"),
    "object": ("object", "kind", "type"),
}
MESSAGES, MESSAGE_COLUMNS = "messages", ("id", "thread_id", "role", "content", "created_at")
TABLES = (
    "SELECT c.oid::regclass::text AS name FROM pg_class AS c "
    "WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid) "
    "AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) ORDER BY 1"
)
KEY = (
    "SELECT a.attname FROM pg_index AS i "
    "JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
    "WHERE i.indrelid = to_regclass($1) AND i.indisprimary"
)


async def look_at_table(connection: Connection, route: str, findings: Findings) -> None:
    """Record the table behind the list's route, its columns, and the version table."""
    names = [row["name"] for row in await connection.fetch(TABLES)]
    wanted = route.rstrip("/").rpartition("/")[2].replace("-", "_")
    table = await find_table(connection, wanted) if wanted in names else None
    if table is None:
        findings.miss("database.table", f"there is no table {wanted!r}, only {', '.join(names) or 'none'}")
    else:
        findings.see("database.table", table.name, "named like the list's route")
        await _columns(connection, table, findings)
    await _messages(connection, findings)
    await _versions(connection, names, findings)


async def _columns(connection: Connection, table: TableShape, findings: Findings) -> None:
    keys = [row["attname"] for row in await connection.fetch(KEY, table.name)]
    layout = {"id": keys[0]} if len(keys) == 1 else {}
    documents = [name for name, kind in table.columns.items() if kind in {"jsonb", "json"}]
    layout |= {"metadata": documents[0]} if documents else {}
    for part, words in WORDS.items():
        left = [name for name in table.columns if name not in layout.values()]
        name = next((name for word in words for name in left if re.search(rf"(^|_){word}", name)), "")
        layout |= {part: name} if name else {}
    for part in ("id", "metadata", *WORDS):
        key = f"database.layout.{part}"
        if part in layout:
            findings.see(key, layout[part], f"{table.columns[layout[part]]}")
        else:
            findings.miss(key, f"which column is it, of {', '.join(table.columns)}")
    if "owner" in layout:
        found = "column" if layout["owner"] in table.never_null else "either"
        why = "its column is never NULL" if found == "column" else "its column may be NULL"
        findings.see("database.layout.owner_in", found, why)
    findings.miss("database.layout.object_value", "the value in the object's column, if there is one")
    findings.see(
        "database.columns",
        {
            name: {"presence": "needed", "types": [table.columns[name]]}
            for name in layout.values()
            if name != layout.get("object")
        },
        "as they are now",
    )


async def _messages(connection: Connection, findings: Findings) -> None:
    """Record whether messages are where the contract has them; if not, we can't write any."""
    table = await find_table(connection, MESSAGES)
    missing = [one for one in MESSAGE_COLUMNS if table is None or one not in table.columns]
    if missing:
        why = f"{MESSAGES!r} has no {', '.join(missing)}" if table else f"there is no table {MESSAGES!r}"
        findings.see("database.messages.table", "", f"{why}: set where messages are, if there are any")


async def _versions(connection: Connection, names: Sequence[str], findings: Findings) -> None:
    for name in names:
        table = await find_table(connection, name)
        if table is not None and [*table.columns] == ["version_num"]:
            heads = sorted(await read_heads(connection, name) or ())
            findings.see("database.version_table", name, "its only column is alembic's")
            findings.see(
                "database.heads",
                heads,
                "the database's current revision; use the output of the image's `alembic heads`",
            )
            return
    findings.miss("database.version_table", "no table of alembic was found")
    findings.miss("database.heads", "what `alembic heads` prints in the deployed image")
