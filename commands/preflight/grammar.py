"""Statements by PostgreSQL's own grammar (pglast): splitting them, and reading what each one will do.

What a statement *did* is observed elsewhere (`effects`). This module finds what three rows can't show, or what is over
before we look: an UPDATE without WHERE, a TRUNCATE, a lock of a statement that runs outside a transaction.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pglast
from pglast import ast
from pglast.enums import AlterTableType, ConstrType, ObjectType
from pglast.parser import ParseError
from pglast.visitors import Visitor

Tree: TypeAlias = Any  # a node: pglast sets its attributes dynamically, and its types declare only those of the base
QUIET = (
    ast.TransactionStmt,
    ast.VariableSetStmt,
    ast.VariableShowStmt,
    ast.DeallocateStmt,
    ast.ConstraintsSetStmt,
    ast.DiscardStmt,
)
BOOKKEEPING = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.CreateStmt)  # what alembic does to its tables
PLPGSQL_STATEMENT = 0  # parse mode: a whole statement, not an expression
SHARE_LOCK = 5  # the weakest lock that blocks writers, as PostgreSQL numbers them
TRUNCATES = "truncates {name}: its rows are gone"
# What the snapshots call these, which are in one catalogue with others.
CATALOGUED = {"procedure": "function", "aggregate": "function", "routine": "function", "domain": "type"}
DROPPED_RELATIONS = {
    ObjectType.OBJECT_TABLE: "table",
    ObjectType.OBJECT_VIEW: "view",
    ObjectType.OBJECT_MATVIEW: "materialized view",
    ObjectType.OBJECT_FOREIGN_TABLE: "foreign table",
    ObjectType.OBJECT_SEQUENCE: "sequence",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a statement will do, as text with `{name}` for the relation, if it has one."""

    words: str
    schema: str | None = None
    name: str = ""
    kind: str = ""  # of what a DROP names: table, index, function, trigger, ...


def split(text: str) -> list[str]:
    """The statements of a text, without comments around them; a text that can't be parsed is one statement."""
    try:
        return list(pglast.split(text)) or [text]
    except ParseError:
        return [text]


def parse(text: str) -> list[Tree]:
    """The statements as trees; empty if the text can't be parsed."""
    try:
        return [raw.stmt for raw in pglast.parse_sql(text)]
    except ParseError:
        return []


def is_quiet(text: str) -> bool:
    """Whether a text only begins, ends or sets something for the session or the transaction."""
    return text == "" or (bool(trees := parse(text)) and all(isinstance(tree, QUIET) for tree in trees))


def is_bookkeeping(text: str, tables: Collection[tuple[str | None, str]]) -> bool:
    """Whether a text only makes or changes alembic's own tables, whose names may be of the image's choice."""
    names = {name for _, name in tables}
    trees = parse(text)
    return bool(trees) and all(isinstance(tree, BOOKKEEPING) and _relation(tree) in names for tree in trees)


def _relation(tree: Tree) -> str:
    return str(tree.relation.relname)


def claims(text: str) -> list[Claim]:
    """What the statements of a text will do, including those inside `DO` and inside a CTE."""
    return [claim for tree in parse_deeply(text) for claim in _claims(tree)]


def parse_deeply(text: str) -> list[Tree]:
    """The statements as trees, and after each those inside it: of `DO`, and changes in a CTE."""
    parts = [(part, tree) for part in split(text) for tree in parse(part)]
    return [inner for part, tree in parts for inner in (tree, *_inner(tree, part))]


def kinds(text: str) -> set[type[ast.Node]]:
    """The kinds of the statements of a text; `DO` is a kind too."""
    return {type(tree) for tree in parse(text)}


def is_concurrent(text: str) -> bool:
    """Whether every statement of a text builds its index without blocking writers."""
    trees = parse(text)
    return bool(trees) and all(_builds_aside(tree) for tree in trees)


def _builds_aside(tree: Tree) -> bool:
    if isinstance(tree, ast.ReindexStmt):
        return any(option.defname == "concurrently" for option in tree.params or ())
    return isinstance(tree, ast.IndexStmt) and bool(tree.concurrent)


def _inner(tree: Tree, text: str) -> Iterator[Tree]:
    """Statements inside statements: the body of `DO` in plpgsql, and UPDATE and DELETE inside WITH."""
    if isinstance(tree, ast.DoStmt):
        try:
            written = pglast.parse_plpgsql(text)
        except ParseError:
            return
        for query in _queries(written):
            yield from parse(query)
        return
    within = _Changes()
    within(tree)
    yield from (node for node in within.found if node is not tree)


def _queries(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON as pglast gives it
    if isinstance(value, Mapping):
        if value.get("parseMode") == PLPGSQL_STATEMENT and "query" in value:
            yield value["query"]
        for part in value.values():
            yield from _queries(part)
    elif isinstance(value, list):
        for part in value:
            yield from _queries(part)


class _Changes(Visitor):
    """Collects UPDATE and DELETE at any depth."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tree] = []

    def visit_UpdateStmt(self, _ancestors: object, node: Tree) -> None:  # noqa: N802 - pglast's name
        self.found.append(node)

    def visit_DeleteStmt(self, _ancestors: object, node: Tree) -> None:  # noqa: N802 - pglast's name
        self.found.append(node)


def _about(words: str, relation: Tree) -> Claim:
    return Claim(words, relation.schemaname, relation.relname)


def _update(tree: Tree) -> Iterator[Claim]:
    if tree.whereClause is None:
        yield _about("updates every row of {name}: each is locked until the end of the transaction", tree.relation)


def _delete(tree: Tree) -> Iterator[Claim]:
    if tree.whereClause is None:
        yield _about("deletes every row of {name}: no rollback of the release brings them back", tree.relation)


def _truncate(tree: Tree) -> Iterator[Claim]:
    yield from (_about(TRUNCATES, relation) for relation in tree.relations)


def _lock(tree: Tree) -> Iterator[Claim]:
    if tree.mode >= SHARE_LOCK:
        yield from (_about("locks {name} for the rest of the transaction", relation) for relation in tree.relations)


def _vacuum(tree: Tree) -> Iterator[Claim]:
    if any(option.defname == "full" for option in tree.options or ()):
        for target in tree.rels or ():
            yield _about("rewrites {name} under an exclusive lock (VACUUM FULL)", target.relation)
        if not tree.rels:
            yield Claim("rewrites every table under an exclusive lock (VACUUM FULL)")


def _cluster(tree: Tree) -> Iterator[Claim]:
    if tree.relation is None:
        yield Claim("rewrites every clustered table under an exclusive lock")
    else:
        yield _about("rewrites {name} under an exclusive lock (CLUSTER)", tree.relation)


def _reindex(tree: Tree) -> Iterator[Claim]:
    if not _builds_aside(tree):
        yield Claim(f"rebuilds {tree.relation.relname if tree.relation else tree.name} while writes are blocked")


def _refresh(tree: Tree) -> Iterator[Claim]:
    if not tree.concurrent:
        yield _about("rebuilds {name} while it can't be read: use CONCURRENTLY", tree.relation)


def _index(tree: Tree) -> Iterator[Claim]:
    if not tree.concurrent:
        yield _about("builds an index on {name} while writes are blocked: use CONCURRENTLY", tree.relation)


def _rename_value(tree: Tree) -> Iterator[Claim]:
    if tree.oldVal is not None:
        yield Claim(f"renames the value {tree.oldVal!r} of a type: the running revision writes the old one")


def _drop(tree: Tree) -> Iterator[Claim]:
    kind = DROPPED_RELATIONS.get(tree.removeType)
    for given in tree.objects:
        names = [part.sval for part in given] if isinstance(given, tuple) else [_name(given)]
        if kind:
            words, word = f"drops the {kind} {{name}}", kind
        else:
            word = ObjectType(tree.removeType).name.removeprefix("OBJECT_").lower()
            words = f"drops the {word} {'.'.join(names)}"
        yield Claim(words, names[-2] if len(names) > 1 else None, names[-1], CATALOGUED.get(word, word))


def _name(given: Tree) -> str:
    parts: Tree = getattr(given, "objname", None) or getattr(given, "names", None)  # a function's, a type's
    return ".".join(part.sval for part in parts) if parts else str(given.sval)


def _alter_table(tree: Tree) -> Iterator[Claim]:
    for command in tree.cmds:
        what = _alteration(command)
        if what:
            yield _about(what, tree.relation)


def _alteration(command: Tree) -> str:
    kind = command.subtype
    if kind == AlterTableType.AT_AddConstraint:
        return _constraint(command.def_)
    if kind == AlterTableType.AT_DetachPartition:
        return "" if command.def_.concurrent else "detaches a partition under an exclusive lock: use CONCURRENTLY"
    return ALTERATIONS.get(kind, "").replace("{column}", command.name or "")


def _constraint(constraint: Tree) -> str:
    kind = constraint.contype
    if kind in {ConstrType.CONSTR_UNIQUE, ConstrType.CONSTR_PRIMARY}:
        return (
            ""
            if constraint.indexname
            else "builds an index on {name} under an exclusive lock: build it first, "
            "CONCURRENTLY, and add it USING INDEX"
        )
    if kind == ConstrType.CONSTR_EXCLUSION:
        return "builds an index on {name} under an exclusive lock"
    checked = kind in {ConstrType.CONSTR_CHECK, ConstrType.CONSTR_FOREIGN} and not constraint.skip_validation
    return "validates every row of {name} under a lock: add the constraint NOT VALID first" if checked else ""


HIDES = "hides the rows of {name} from every role that has no policy for them: the running revision's, too?"
ALTERATIONS = {
    AlterTableType.AT_DropColumn: "drops the column {column} of {name}: the running revision may still read it",
    AlterTableType.AT_DropConstraint: "drops the constraint {column} of {name}",
    AlterTableType.AT_AttachPartition: "scans the new partition of {name} under a lock",
    AlterTableType.AT_EnableRowSecurity: HIDES,
    AlterTableType.AT_ForceRowSecurity: HIDES,
    AlterTableType.AT_SetUnLogged: "rewrites {name} under an exclusive lock; after that, a crash empties it",
    AlterTableType.AT_SetLogged: "rewrites {name} under an exclusive lock",
    AlterTableType.AT_SetTableSpace: "rewrites {name} under an exclusive lock",
}
RULES: Mapping[type[ast.Node], Callable[[Tree], Iterator[Claim]]] = {
    ast.UpdateStmt: _update,
    ast.DeleteStmt: _delete,
    ast.TruncateStmt: _truncate,
    ast.LockStmt: _lock,
    ast.VacuumStmt: _vacuum,
    ast.ClusterStmt: _cluster,
    ast.ReindexStmt: _reindex,
    ast.RefreshMatViewStmt: _refresh,
    ast.IndexStmt: _index,
    ast.AlterEnumStmt: _rename_value,
    ast.DropStmt: _drop,
    ast.AlterTableStmt: _alter_table,
    ast.DropdbStmt: lambda tree: iter([Claim(f"drops the database {tree.dbname}")]),
    ast.DropRoleStmt: lambda _tree: iter([Claim("drops a role")]),
    ast.DropOwnedStmt: lambda _tree: iter([Claim("drops everything that a role owns")]),
    ast.DropTableSpaceStmt: lambda tree: iter([Claim(f"drops the tablespace {tree.tablespacename}")]),
}


def _claims(tree: Tree) -> Iterator[Claim]:
    rule = RULES.get(type(tree))
    return rule(tree) if rule else iter(())
