"""Every value of an item as it was written: titles exactly, times as instants, numbers as numbers."""

from datetime import timedelta

import pytest

from fixtures.rows import Plant, Row
from fixtures.threads import AS_STORED, Item, Threads
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User

# The fourth has marks and a joiner of their own, the fifth is longer than any sidebar.
TITLES = (
    'Plans & <b>"figures"</b>',
    "l'été 雪 🚀",
    "  blanks at both ends, a\ttab,\na line ",
    "e\u0301te\u0301 👩\u200d🚀",
    f"from here {'on ' * 60}to here",
    "None",
    "",
    None,
)
# The first is ahead of the clock, as those of another host may be. The last two are half a year apart: one is of a
# summer, and a time zone's offset may be another one then.
AHEAD = -timedelta(hours=2)
AGES = (AHEAD, timedelta(minutes=1), timedelta(hours=5), *(timedelta(days=days) for days in (40, 100, 282)))
TOLERANCE_S = 1.0


@check(
    "threads.values",
    requirement="every value is as written: titles exactly, times as instants within a second",
    needs="http write mint",
    remedy=AS_STORED,
    looking="the field in the evidence, compared with the row's column",
)
@pytest.mark.beside
async def test_values_come_back_as_they_were_written(threads: Threads, plant: Plant, owner: User) -> None:
    """Rows of several titles and ages are listed with exactly these titles and these instants."""
    rows = [row for title in TITLES for row in await plant(owner, title=title)]
    rows += [row for age in AGES for row in await plant(owner, age=age, other_age=age + timedelta(hours=1))]
    listed = {threads.id_of(item): item for item in await threads.everything(owner)}
    for row in rows:
        item = listed.get(row.id)
        if item is None:
            raise CheckFailure(expected=f"the owner's thread {row.id} in the list", actual=f"{len(listed)} others")
        _refuse_other_title(threads, item, row)
        _refuse_other_times(threads, item, row)


def _refuse_other_title(threads: Threads, item: Item, row: Row) -> None:
    for field, said in threads.contract.threads.compare.items():
        if said == "title" and said in row.says and item.get(field) != row.says[said]:
            raise CheckFailure(expected=f"{field} {row.says[said]!r}, as written", actual=f"{item.get(field)!r}")


def _refuse_other_times(threads: Threads, item: Item, row: Row) -> None:
    """Times are unix seconds as in the contract's schema: an integer, and the instant that was written."""
    for field, said in threads.contract.threads.times.items():
        if said not in row.says:
            continue
        written, value = row.says[said], item.get(field)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value - written) > TOLERANCE_S:
            raise CheckFailure(expected=f"{field} {written} (unix seconds, within a second)", actual=f"{value!r}")
