"""The wording of figures and times, the same in every human-readable report."""

import re
import shlex
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count

from gate.figures import Figure, ServerLine
from gate.verdict_document import Document

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
WORST_FIRST = ("EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING")  # the severities of Cloud Logging that stand out


def worst_first(lines: Iterable[ServerLine]) -> list[ServerLine]:
    """Server log lines by severity, worst first; otherwise in their order."""
    places = {severity: place for place, severity in enumerate(WORST_FIRST)}
    return sorted(lines, key=lambda line: places.get(line.severity, len(places)))


def show_figure(figure: Figure) -> str:
    """A figure as a short text: `41.2 ms (limit 100 ms, n=300, 95% confidence)`."""
    unit = f" {figure.unit}" if figure.unit else ""
    about = show_about(figure)
    return f"{show_value(figure)}{unit}" + (f" ({about})" if about else "")


def show_value(figure: Figure) -> str:
    """A figure's value without its unit; empty where it has none."""
    if figure.value is None:
        return figure.not_finite.get("value", "")
    of_all = f" of {figure.n}" if _counts_what_holds(figure) else ""
    return f"{round(figure.value, 3):g}{of_all}"


def _counts_what_holds(figure: Figure) -> bool:
    """Whether a figure counts how many of `n` things hold, all of which should: `3 of 4`."""
    return bool(figure.n) and figure.n == figure.limit and not figure.unit and not figure.confidence


def show_about(figure: Figure) -> str:
    """The context of a figure's value: limit, n, bound, confidence, interval, window."""
    unit = f" {figure.unit}" if figure.unit else ""
    low, high = figure.interval or (None, None)
    about = []
    if figure.limit is not None and not _counts_what_holds(figure):
        about.append(f"limit {figure.limit:g}{unit}")
    if figure.n is not None and not _counts_what_holds(figure):
        about.append(f"n={figure.n}")
    if figure.hazard_per_hour is not None:
        about.append(f"at most {figure.hazard_per_hour:.3g} per hour")
    if figure.confidence:
        about.append(f"{figure.confidence:.0%} confidence")
    if low is not None and high is not None:
        about.append(f"between {low:.3g} and {high:.3g}")
    if figure.window:
        about.append(figure.window)
    return ", ".join(about)


def brief(text: str) -> str:
    """A text with its timestamps in readable form; a second one on the same day without its date."""
    day, last = "", sum(1 for _ in MOMENT.finditer(text))
    seen = count()

    def shortened(found: re.Match[str]) -> str:
        nonlocal day
        moment = datetime.fromisoformat(found[0]).astimezone(UTC)
        before, day = day, f"{moment:%d %b }"
        return f"{'' if day == before else day}{moment:%H:%M}{' UTC' if next(seen) == last - 1 else ''}"

    return MOMENT.sub(shortened, text)


def rerun(document: Document, name: str) -> str:
    """The command that reruns one case; empty if unknown."""
    return f"{document.rerun}{shlex.quote(name)}" if document.rerun else ""


def sentence(text: str) -> str:
    """The text with a capital letter if it begins with a word, and a full stop."""
    first = text.partition(" ")[0]
    text = text[:1].upper() + text[1:] if first.isalpha() else text
    return text if text.endswith(".") else f"{text}."
