"""`make bench`: run every measurement; exit 0 only when each figure is within its limit."""

import sys

from rich.console import Console
from rich.table import Table

from bench.candidate import measure as measure_candidate
from bench.far import measure as measure_far
from bench.figures import Figure
from bench.gate import measure as measure_gate
from bench.latency import measure as measure_latency
from bench.logs import measure as measure_logs
from bench.published import measure as measure_published
from bench.rows import measure as measure_rows
from bench.runs import measure as measure_runs
from bench.users import measure as measure_users
from bench.websocket import measure as measure_websocket
from tests.proof.arguments import USAGE
from tests.standing import run_to_its_end

MEASUREMENTS = {
    "runs": measure_runs,
    "candidate": measure_candidate,
    "gate": measure_gate,
    "rows": measure_rows,
    "latency": measure_latency,
    "websocket": measure_websocket,
    "logs": measure_logs,
    "users": measure_users,
    "far": measure_far,
    "published": measure_published,
}


def main(names: list[str]) -> int:
    """Run the named measurements (all of them where none is named)."""
    unknown = sorted({*names} - {*MEASUREMENTS})
    if unknown:
        known = ", ".join(MEASUREMENTS)
        sys.stderr.write(f"make bench ONLY='{' '.join(unknown)}': not a measurement; there are {known}\n")
        return USAGE
    figures: list[Figure] = []
    for name in names or MEASUREMENTS:
        figures += run_to_its_end(MEASUREMENTS[name]())
    table = Table(box=None, pad_edge=False)
    for column in ("figure", "value", "limit", "beside", ""):
        table.add_column(column)
    for one in figures:
        table.add_row(one.name, one.shown(one.value), one.shown_limit(), one.beside, "ok" if one.holds else "OVER")
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    return 0 if all(one.holds for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
