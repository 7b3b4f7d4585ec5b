"""The repair SQL that we provide, tried on every shape and rolled back."""

from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.database.connection import TableShape
from probes.database.repair import rehearse, repairs_for, scope_of
from probes.database.seeding import Seeder


@check(
    "data.repair",
    requirement="the repair SQL repairs every shape, touches nothing else, and changes nothing when run again",
    needs="db write",
    remedy="make repair-plan writes the SQL; first remove a trigger or constraint on the table that undoes it.",
    looking="the shape and the SQL error in the evidence; triggers and constraints of the table",
)
async def test_the_repair_mends_every_shape(seeder: Seeder, table: TableShape, recorder: Recorder) -> None:
    """One row of every shape becomes an object with its owner; correct and disagreeing rows stay unchanged.

    All is rolled back.
    """
    statements = [repair.statement(table.name, scope_of(table, seeder)) for repair in repairs_for(table)]
    found = await rehearse(seeder.connection, table, seeder, statements)
    recorder.figures(
        rule="shapes repaired, in a transaction that was rolled back",
        n=found.shapes,
        value=found.shapes - len(found.unrepaired),
        limit=found.shapes,
        again=found.again,
    )
    problems = [found.error] if found.error else []
    problems += [f"not repaired: {', '.join(found.unrepaired)}"] if found.unrepaired and not found.error else []
    problems += [f"touched {len(found.touched)} correct rows"] if found.touched else []
    problems += [f"a second run changed {found.again} rows"] if found.again else []
    if problems:
        raise CheckFailure(expected=f"{found.shapes} shapes repaired, nothing else touched", actual="; ".join(problems))
