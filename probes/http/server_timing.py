"""`Server-Timing`: the server's own account of a request's time. The only parser of it."""

from collections.abc import Sequence


def server_timing(headers: Sequence[tuple[bytes, bytes]], metric: str) -> float | None:
    """The duration of one metric of `Server-Timing` in milliseconds; None where there is none, or no number."""
    for name, value in headers:
        for part in value.decode("latin-1").split(",") if name == b"server-timing" else ():
            label, *fields = (one.strip() for one in part.split(";"))
            for key, _, said in (one.partition("=") for one in fields):
                if label == metric and key == "dur":
                    return _number(said.strip('"'))
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
