"""`report.html`: one self-contained page, without scripts, for a screen in either scheme, a phone and paper."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gate.checklist import checklist, metrics, show_figure
from gate.outcomes import Outcome

FAILING = (Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING)


def render_html(document: dict[str, Any]) -> str:
    """Render the verdict's document as one HTML page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = show_figure
    environment.filters["pretty"] = _pretty
    rows = document["checks"]
    return environment.get_template("report.html.j2").render(
        doc=document,
        took=_took(document),
        metrics=metrics(document),
        checklist=checklist(document),
        failures=[row for outcome in FAILING for row in rows if row["outcome"] == outcome],
        unproved=[row for row in rows if row["outcome"] == Outcome.NOT_APPLICABLE],
        families=_families(rows),
        plots=_plots(rows),
    )


def _took(document: dict[str, Any]) -> str:
    started, ended = (datetime.fromisoformat(document[key]) for key in ("started", "ended"))
    seconds = (ended - started).total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - two minutes read better


def _families(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    families: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        families.setdefault(row["family"], []).append(row)
    return families


def _plots(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    wanted = [(row["name"], plot) for row in rows for plot in row["plots"]]
    if not wanted:
        return []
    from gate.report.plots import draw  # noqa: PLC0415 - matplotlib takes longer to import than the page to render

    drawn = []
    for number, (name, plot) in enumerate(wanted):
        svg, text = draw(plot, number)
        drawn.append({"name": name, "svg": svg, "text": text})
    return drawn


def _pretty(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
