"""The objects in a database at one moment, as seen from inside the transaction that asks.

Queried on the migration's own connection, because a transaction's changes are visible only there (pg_class and similar
tables), and so is which locks are its own (pg_locks).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Everything outside the server's own schemas, and this session's temporary tables, which are always new; alembic's own
# table does not belong to the image.
QUERY = """
WITH ns AS (SELECT oid, nspname FROM pg_catalog.pg_namespace
            WHERE (nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema')
               OR oid = pg_catalog.pg_my_temp_schema()),
rel AS (SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relkind, c.relpersistence,
               pg_catalog.pg_relation_filenode(c.oid) AS filenode
        FROM pg_catalog.pg_class c JOIN ns n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r','p','v','m','f','S') AND c.relname <> 'alembic_version')
SELECT pg_catalog.json_build_object(
 'relations', (SELECT pg_catalog.json_object_agg(oid, pg_catalog.json_build_array(name, relkind, filenode)) FROM rel),
 'columns', (SELECT pg_catalog.json_object_agg(a.attrelid || '.' || a.attnum, pg_catalog.json_build_array(
        a.attname, a.attnotnull, a.atthasdef OR a.attidentity <> ''))
    FROM pg_catalog.pg_attribute a JOIN rel ON rel.oid = a.attrelid
    WHERE rel.relkind IN ('r','p') AND a.attnum > 0 AND NOT a.attisdropped),
 'indexes', (SELECT pg_catalog.json_object_agg(i.indrelid || '.' || c.relname, pg_catalog.json_build_array(
        pg_catalog.pg_relation_filenode(c.oid), i.indisunique))
    FROM pg_catalog.pg_index i JOIN rel ON rel.oid = i.indrelid JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid),
 'constraints', (SELECT pg_catalog.json_object_agg(k.conrelid || '.' || k.conname, pg_catalog.json_build_array(
        k.contype, k.convalidated, pg_catalog.pg_get_constraintdef(k.oid)))
    FROM pg_catalog.pg_constraint k JOIN rel ON rel.oid = k.conrelid WHERE k.contype <> 't'),
 'others', (SELECT pg_catalog.json_object_agg(key, name) FROM (
    SELECT 'schema ' || oid AS key, 'schema ' || nspname AS name FROM ns
    UNION ALL SELECT 'function ' || p.oid, 'function ' || n.nspname || '.' || p.proname
        FROM pg_catalog.pg_proc p JOIN ns n ON n.oid = p.pronamespace
    UNION ALL SELECT 'type ' || t.oid, 'type ' || n.nspname || '.' || t.typname
        FROM pg_catalog.pg_type t JOIN ns n ON n.oid = t.typnamespace WHERE t.typtype IN ('e','d')
    UNION ALL SELECT 'trigger ' || t.oid, 'trigger ' || t.tgname || ' of ' || rel.name
        FROM pg_catalog.pg_trigger t JOIN rel ON rel.oid = t.tgrelid WHERE NOT t.tgisinternal
    UNION ALL SELECT 'policy ' || p.oid, 'policy ' || p.polname || ' of ' || rel.name
        FROM pg_catalog.pg_policy p JOIN rel ON rel.oid = p.polrelid
    UNION ALL SELECT 'extension ' || oid, 'extension ' || extname FROM pg_catalog.pg_extension) o),
 'locks', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(l.relation, l.mode))
    FROM pg_catalog.pg_locks l JOIN rel ON rel.oid = l.relation
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.granted),
 'changed', (SELECT pg_catalog.json_object_agg(s.relid, pg_catalog.json_build_array(s.n_tup_upd, s.n_tup_del))
    FROM pg_catalog.pg_stat_xact_user_tables s JOIN rel ON rel.oid = s.relid))::text
""".strip()
KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table", "S": "sequence"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Objects by a key that does not change when they are altered: an oid, or a table's oid with a name or number."""

    relations: Mapping[str, tuple[str, str, int | None]]  # oid -> qualified name, relkind, file
    columns: Mapping[str, tuple[str, bool, bool]]  # table.number -> name, NOT NULL, has a default
    indexes: Mapping[str, tuple[int | None, bool]]  # table.name -> file, unique
    constraints: Mapping[str, tuple[str, bool, str]]  # table.name -> contype, validated, definition
    others: Mapping[str, str]  # kind and oid -> kind and name
    locks: frozenset[tuple[str, str]]  # of this transaction: oid, mode
    changed: Mapping[str, tuple[int, int]]  # in this transaction: oid -> rows updated, rows deleted

    def find(self, schema: str | None, name: str) -> str | None:
        """The oid of a relation as written in a statement; without a schema, a temporary one comes first."""
        temporary_first = sorted(self.relations.items(), key=lambda item: not item[1][0].startswith("pg_temp_"))
        for oid, (qualified, _, _) in temporary_first:
            if qualified == f"{schema}.{name}" or (schema is None and qualified.partition(".")[2] == name):
                return oid
        return None

    def find_other(self, kind: str, schema: str | None, name: str) -> list[str]:
        """The keys of relations, indexes, functions, triggers and the like, by kind and name, as written in a DROP."""
        if kind in KINDS.values():
            return [found] if (found := self.find(schema, name)) else []
        if kind == "index":
            return [key for key in self.indexes if key.partition(".")[2] == name]
        words = [f"{kind} {name}", f"{kind} {schema}.{name}"]
        return [
            key
            for key, label in self.others.items()
            if label.split(" of ")[0] in words
            or (schema is None and label.startswith(kind) and label.endswith(f".{name}"))
        ]


def read_snapshot(text: str) -> Snapshot:
    """Decode the answer to QUERY."""
    found: dict[str, Any] = json.loads(text)

    def table(key: str) -> dict[str, Any]:
        return {name: tuple(value) if isinstance(value, list) else value for name, value in (found[key] or {}).items()}

    return Snapshot(
        relations=table("relations"),
        columns=table("columns"),
        indexes=table("indexes"),
        constraints=table("constraints"),
        others=table("others"),
        locks=frozenset((str(oid), mode) for oid, mode in found["locks"] or []),
        changed=table("changed"),
    )
