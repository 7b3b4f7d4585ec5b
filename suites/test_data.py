"""The rows that broke the endpoint: their type, their shape, their owner."""

from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.database.connection import Connection, TableShape, take_census
from targets.contract import Contract

FIX_2 = "Fix 2, but guarded: jsonb_set raises on JSON null, scalars and arrays, so the report's own UPDATE aborts."


@check(
    "data.metadata-type",
    requirement="metadata_ is jsonb",
    needs="db",
    remedy="ALTER COLUMN metadata_ TYPE jsonb: on text ->> raises, on json there is no index and no equality.",
)
async def test_metadata_is_jsonb(table: TableShape, contract: Contract) -> None:
    """The column's type is one that the code can work with."""
    kind = table.columns.get("metadata_", "missing")
    if kind not in contract.database.columns["metadata_"]:
        raise CheckFailure(
            expected=f"metadata_ {contract.database.columns['metadata_'][0]}", actual=f"metadata_ {kind}"
        )


@check(
    "data.metadata-shape",
    requirement="no row with NULL, JSON null or non-object metadata, ours aside",
    needs="db",
    remedy=FIX_2,
)
async def test_metadata_is_an_object_everywhere(database: Connection, table: TableShape, recorder: Recorder) -> None:
    """Every row's metadata is a JSON object; the bad ones are counted by shape."""
    census = await take_census(database, table)
    bad = sum(census.bad.values())
    recorder.figures(rule="rows whose metadata is no object", n=census.total, value=bad, limit=0)
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
    remedy="Decide the owner by the column; report the disagreeing rows to their owner before mending them.",
)
async def test_owners_agree(database: Connection, table: TableShape, recorder: Recorder) -> None:
    """No row has two owners, and none has nobody."""
    census = await take_census(database, table)
    recorder.figures(rule="rows with two owners or none", n=census.total, value=census.disagreeing_owners, limit=0)
    if census.disagreeing_owners or census.missing_owners:
        raise CheckFailure(
            expected="one owner in every row",
            actual=f"{census.disagreeing_owners} rows with two, {census.missing_owners} with none",
        )
