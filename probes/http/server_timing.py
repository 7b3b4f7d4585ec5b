"""`Server-Timing`: the server's own account of a request's time. The only parser of it.

Grammar: https://www.w3.org/TR/server-timing/#the-server-timing-header-field (a metric is a token, then parameters whose
values are tokens or quoted strings; names of parameters are case-insensitive, of a repeated one the first counts).
"""

import math
import re
from collections.abc import Iterable

LONGEST_MS = 24 * 3600 * 1e3  # no request takes a day: such a number is a mistake, not a time
_PART = re.compile(r'\s*+(?:"(?:[^"\\]++|\\.)*+"?|[^",;]++)*+')


def server_timing(headers: Iterable[tuple[bytes, bytes]], metric: str) -> float | None:
    """The duration of one metric in milliseconds; None if there is none, or none that is a time.

    `metric` is compared as it is written; of several with that name the first that has a duration counts.
    """
    for name, value in headers:
        if name.lower() != b"server-timing":
            continue
        for label, parameters in _metrics(value.decode("latin-1")):
            if label == metric and "dur" in parameters:
                return _milliseconds(parameters["dur"])
    return None


def _metrics(value: str) -> Iterable[tuple[str, dict[str, str]]]:
    """Each metric with its parameters, as far as the header can be read."""
    for entry in _split(value, ","):
        label, *fields = _split(entry, ";")
        parameters: dict[str, str] = {}
        for field in fields:
            key, _, text = field.partition("=")
            parameters.setdefault(key.strip().lower(), _unquoted(text.strip()))
        yield label.strip(), parameters


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark that is not within a quoted string."""
    parts, begin, place = [], 0, 0
    while place < len(text):
        match = _PART.match(text, place)
        place = match.end() if match else place
        if text[place : place + 1] == mark:
            parts.append(text[begin:place])
            begin = place + 1
        place += 1
    return [*parts, text[begin:]]


def _unquoted(text: str) -> str:
    quoted = text[:1] == '"'
    return re.sub(r"\\(.)", r"\1", text.removeprefix('"').removesuffix('"')) if quoted else text


def _milliseconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= LONGEST_MS else None
