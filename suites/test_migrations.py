"""The schema matches the deployed image."""

from gate.check import check
from gate.failures import CheckFailure
from probes.database.connection import Connection, TableShape, read_heads
from probes.database.migrations import History
from targets.contract import Contract

FIX_1 = "Fix 1: alembic upgrade head, with the deployed image's migrations."


@check(
    "migrations.head",
    requirement="the database has the deployed image's set of heads",
    needs="db",
    remedy=FIX_1,
    looking="`SELECT version_num FROM alembic_version`, and `alembic heads` in the deployed image",
)
async def test_the_database_is_at_the_images_heads(database: Connection, history: History, contract: Contract) -> None:
    """Behind, ahead, branched, no table and an empty table are reported as five different findings."""
    version_table = contract.database.version_table
    heads = await read_heads(database, version_table)
    expected = f"heads {sorted(history.heads)}"
    if heads is None:
        raise CheckFailure(expected=expected, actual=f"no table {version_table}: migrations were never run here")
    if not heads:
        raise CheckFailure(expected=expected, actual=f"{version_table} is empty: no migration was ever stamped")
    difference = history.compare(heads)
    if difference:
        raise CheckFailure(expected=expected, actual=difference)


@check(
    "migrations.columns",
    requirement="every column that the code needs exists, with a supported type",
    needs="db",
    remedy=FIX_1,
    looking="the table's columns in the evidence; `alembic history --indicate-current` in the image",
)
async def test_the_columns_are_there(table: TableShape, contract: Contract) -> None:
    """Each of the contract's columns exists with a type that the code supports."""
    problems = []
    for column, rules in contract.database.columns.items():
        kind = table.columns.get(column)
        if kind is None and rules.presence == "needed":
            problems.append(f"{column} is missing")
        elif kind is not None and rules.presence == "absent":
            problems.append(f"{column} exists, but contract.database.columns.{column} says that it is absent")
        elif kind is not None and kind not in rules.types:
            problems.append(f"{column} is {kind}, not {' or '.join(rules.types)}")
    if problems:
        raise CheckFailure(expected="the columns of contract.database.columns", actual="; ".join(problems))
