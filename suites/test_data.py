"""The rows that broke the endpoint: their type, their shape, their owner."""

from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.database.census import take_census
from probes.database.connection import Connection, TableShape
from probes.database.poison import find_poisoned
from targets.contract import Contract

FIX_2 = "Fix 2, but guarded: jsonb_set raises on JSON null, scalars and arrays, so the report's own UPDATE aborts."


@check(
    "data.metadata-type",
    requirement="the metadata column is jsonb, or another type listed in the contract",
    needs="db",
    remedy="->> raises on text, and json has no index and no equality: repair the rows that data.poison lists "
    "(the ALTER aborts on them), then ALTER COLUMN metadata_ TYPE jsonb.",
    looking="`SELECT data_type FROM information_schema.columns WHERE table_name = 'threads' AND column_name = "
    "'metadata_'`",
)
async def test_metadata_is_jsonb(table: TableShape, contract: Contract) -> None:
    """The column's type is one that the code supports."""
    name = table.layout.metadata
    kind, rules = table.columns.get(name, "missing"), contract.database.columns.get(name)
    if rules and kind not in rules.types:
        raise CheckFailure(
            expected=f"{name} {' or '.join(rules.types)} (contract.database.columns.{name})", actual=f"{name} {kind}"
        )


@check(
    "data.metadata-shape",
    requirement="no row has NULL, JSON null or non-object metadata, except the suite's own",
    needs="db",
    remedy=FIX_2,
    looking="`make repair-plan TARGET=staging` counts the rows by shape and changes nothing",
)
async def test_metadata_is_an_object_everywhere(database: Connection, table: TableShape, recorder: Recorder) -> None:
    """Every row's metadata is a JSON object; the bad ones are counted by shape."""
    census = await take_census(database, table)
    bad = sum(census.bad.values())
    recorder.figures(rule="rows whose metadata is not an object", n=census.total, value=bad, limit=0)
    if bad:
        raise CheckFailure(
            expected="an object in every row",
            actual=", ".join(f"{shape}: {count}" for shape, count in census.bad.items()),
            evidence={"one of each": list(census.examples)},
        )


@check(
    "data.owner",
    requirement="user_id and metadata.user_id agree where both are set, and every row has an owner",
    needs="db",
    remedy="Let the column decide the owner; report the disagreeing rows to their owner before you repair them.",
    looking="`make repair-plan TARGET=staging`: the disagreeing rows are counted; who wrote them, and since when?",
)
async def test_owners_agree(database: Connection, table: TableShape, recorder: Recorder) -> None:
    """Every row has exactly one owner. Rows whose metadata can't be read are data.poison's finding."""
    census = await take_census(database, table)
    recorder.figures(rule="rows with two owners or none", n=census.total, value=census.disagreeing_owners, limit=0)
    if census.disagreeing_owners or census.missing_owners:
        raise CheckFailure(
            expected="one owner in every row",
            actual=f"{census.disagreeing_owners} rows with two, {census.missing_owners} with none",
        )


@check(
    "data.poison",
    requirement="no row has metadata that the column's own operators can't read",
    needs="db",
    remedy="One such row makes every query with ->> fail, for every user. `make repair-plan` shows how to find "
    "them. Replace the escape in their text before the column becomes jsonb, and refuse it when threads are written.",
    looking="the ids in the evidence; `make repair-plan TARGET=staging` writes the SELECT that finds the rows; "
    "who could write such a text?",
)
async def test_no_row_is_unreadable(database: Connection, table: TableShape, recorder: Recorder) -> None:
    r"""No row's text holds `\u0000` or half of a surrogate pair; found without a cast that could raise."""
    found = await find_poisoned(database, table)
    recorder.figures(rule="rows that ->> can't read", n=found.total, value=found.rows, limit=0)
    if found.rows:
        raise CheckFailure(
            expected="metadata that ->> can read in every row",
            actual=f"{found.rows} rows with \\u0000 or half of a surrogate pair: {', '.join(found.ids)}",
        )
