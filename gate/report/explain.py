"""`--explain`: everything in a verdict about one check, as text: rule, figures, window, queries and inputs."""

from collections.abc import Iterator

import msgspec

from gate.report.wording import show_figure
from gate.verdict_document import Document, Row

CONTEXT = ("interval", "hazard_per_hour", "covered_s", "need_s")  # what a figure states besides its own line
MOST = 400


def explain(document: Document, check_id: str) -> str:
    """All cases of a check, explained. Raises KeyError with the ids in the document."""
    rows = [row for row in document.checks if check_id in {row.id, row.name}]
    if not rows:
        raise KeyError(", ".join(sorted({row.id for row in document.checks})))
    head = f"{check_id} in run {document.run_id} ({document.phase}), revision {document.revision or 'unknown'}"
    return "\n".join([head, *(line for row in rows for line in _row(row))])


def _row(row: Row) -> Iterator[str]:
    yield f"\n{row.outcome} {row.name}{'' if row.required else ' (not required)'}"
    for key in ("claim", "requirement", "expected", "actual", "reason", "remedy", "looking", "known_failure"):
        if value := getattr(row, key):
            yield f"  {key.replace('_', ' ')}: {value}"
    for figure in row.figures:
        yield f"  rule: {figure.rule}"
        yield f"    figure: {show_figure(figure)}"
        context = {key: value for key in CONTEXT if (value := getattr(figure, key)) is not None}
        yield from (f"    {key}: {_short(value)}" for key, value in (context | figure.details).items())
    for name, value in row.evidence.items():
        yield f"  {name}: {_short(value)}"
    for one in row.accruals:
        group = f", {one.group} shard {one.shard} of {one.shards}" if one.kind == "exposure" else ""
        proved = "proved" if one.proved else "not proved"
        yield f"  {one.kind}: {one.start} to {one.end}, {proved}, {one.events} events, n={one.n}{group}"
    yield from (f"  request: {line}" for line in row.curl)
    yield from (f"  trace: {one.trace_id} {one.request}" for one in row.traces[-5:])
    for given in row.inputs:
        but = "" if given.counts else " (a pass would not count)"
        yield f"  input: run {given.run_id} says {given.outcome}{but}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= MOST else f"{text[:MOST]}… ({len(text)} characters)"
