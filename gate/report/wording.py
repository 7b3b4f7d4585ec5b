"""Figures and moments in words, alike in every report for people."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

Figure = Mapping[str, Any]
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def show_figure(figure: Figure) -> str:
    """A figure in one short text: `41.2 ms (limit 100 ms, n=300, 95% confidence)`."""
    unit = f" {figure['unit']}" if figure.get("unit") else ""
    about = show_about(figure)
    return f"{show_value(figure)}{unit}" + (f" ({about})" if about else "")


def show_value(figure: Figure) -> str:
    """A figure's value without its unit; empty where it has none."""
    return "" if figure.get("value") is None else f"{round(figure['value'], 3):g}"


def show_about(figure: Figure) -> str:
    """What a figure's value has to be read with: limit, n, bound, confidence, interval, window."""
    unit = f" {figure['unit']}" if figure.get("unit") else ""
    about = []
    if figure.get("limit") is not None:
        about.append(f"limit {figure['limit']:g}{unit}")
    if figure.get("n") is not None:
        about.append(f"n={figure['n']}")
    if figure.get("hazard_per_hour") is not None:
        about.append(f"at most {figure['hazard_per_hour']:.3g} an hour")
    if figure.get("confidence"):
        about.append(f"{figure['confidence']:.0%} confidence")
    if _is_interval(figure.get("interval")):
        about.append("between {:.3g} and {:.3g}".format(*figure["interval"]))
    if figure.get("window"):
        about.append(str(figure["window"]))
    return ", ".join(about)


def _is_interval(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and None not in value  # noqa: PLR2004 - its two ends


def brief(text: str) -> str:
    """A text whose moments are written as people write them; a second one on the same day without its date."""
    day, last = "", sum(1 for _ in MOMENT.finditer(text))
    seen = count()

    def shortened(found: re.Match[str]) -> str:
        nonlocal day
        moment = datetime.fromisoformat(found[0]).astimezone(UTC)
        before, day = day, f"{moment:%d %b }"
        return f"{'' if day == before else day}{moment:%H:%M}{' UTC' if next(seen) == last - 1 else ''}"

    return MOMENT.sub(shortened, text)


def sentence(text: str) -> str:
    """With a capital where it begins with a word of prose, and a full stop."""
    first = text.partition(" ")[0]
    text = text[:1].upper() + text[1:] if first.isalpha() else text
    return text if text.endswith(".") else f"{text}."
