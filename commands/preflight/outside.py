"""Statements that change what a server has outside of the scratch database: other databases, roles, its configuration.

A server that somebody gives may hold more than the scratch database, and a role's settings hold in all of them.
What the migrations made themselves they may change.
"""

from collections.abc import Callable, Iterator, Mapping

from pglast import ast
from pglast.enums import ObjectType

from commands.preflight.grammar import Tree, parse_deeply

UNTOUCHED = "preflight lets nothing change outside of the scratch database"
Object = tuple[str, str]  # kind and name
OUTSIDE = {
    ObjectType.OBJECT_DATABASE: "database",
    ObjectType.OBJECT_ROLE: "role",
    ObjectType.OBJECT_TABLESPACE: "tablespace",
}


def find_made(text: str) -> set[Object]:
    """The roles and databases that the statements of a text create."""
    made = set[Object]()
    for tree in parse_deeply(text):
        if isinstance(tree, ast.CreateRoleStmt):
            made.add(("role", str(tree.role)))
        elif isinstance(tree, ast.CreatedbStmt):
            made.add(("database", str(tree.dbname)))
    return made


def find_outside(text: str, database: str) -> set[Object]:
    """What the statements of a text change outside of this database, those inside `DO` included."""
    found = {changed for tree in parse_deeply(text) for changed in _changed(tree, database)}
    return found - {("database", database)}


def refusal(objects: set[Object]) -> str:
    """A statement that fails in place of the refused one, so that the server keeps account of the transaction."""
    named = ", ".join(sorted(f"{kind} {name}".strip() for kind, name in objects))
    words = f"{UNTOUCHED}: {named}".replace("'", "''")
    return f"DO $preflight$ BEGIN RAISE insufficient_privilege USING MESSAGE = '{words}'; END $preflight$"


def _changed(tree: Tree, database: str) -> Iterator[Object]:
    rule = RULES.get(type(tree))
    if rule:
        yield from rule(tree)
    elif isinstance(tree, ast.AlterRoleSetStmt) and tree.database != database:  # for this database alone it is ours
        yield ("role", _role(tree.role))
    elif isinstance(tree, ast.RenameStmt) and tree.renameType in OUTSIDE:
        yield (OUTSIDE[tree.renameType], str(tree.subname))
    elif isinstance(tree, ast.AlterOwnerStmt) and tree.objectType in OUTSIDE:
        named: Tree = tree.object
        yield (OUTSIDE[tree.objectType], str(named.sval))


def _role(spec: Tree) -> str:
    return str(spec.rolename or "of this connection") if spec else "of every connection"


def _database(tree: Tree) -> Iterator[Object]:
    yield ("database", str(tree.dbname))


def _roles(tree: Tree) -> Iterator[Object]:
    yield from (("role", _role(spec)) for spec in tree.roles)


RULES: Mapping[type[ast.Node], Callable[[Tree], Iterator[Object]]] = {
    ast.DropdbStmt: _database,
    ast.AlterDatabaseStmt: _database,
    ast.AlterDatabaseSetStmt: _database,
    ast.AlterDatabaseRefreshCollStmt: _database,
    ast.AlterRoleStmt: lambda tree: iter([("role", _role(tree.role))]),
    ast.DropRoleStmt: _roles,
    ast.AlterSystemStmt: lambda _tree: iter([("configuration", "")]),
    ast.DropTableSpaceStmt: lambda tree: iter([("tablespace", str(tree.tablespacename))]),
}
