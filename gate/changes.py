"""What has changed since the last run of this target: pure, from two verdict documents."""

from collections.abc import Iterator, Mapping
from typing import Any

from gate.outcomes import Outcome

Document = Mapping[str, Any]
BAD = frozenset({Outcome.FAILED, Outcome.BROKEN})


def changes(document: Document, previous: Document | None) -> dict[str, Any] | None:
    """Cases that newly fail or newly pass, and figures whose confidence intervals no longer touch; None: no last run.

    A case that the other run did not have is no change, nor is one that was left open.
    """
    if previous is None:
        return None
    before = {row["name"]: row for row in previous["checks"] if row["name"] not in previous["missing"]}
    now = {row["name"]: row for row in document["checks"] if row["name"] not in document["missing"]}
    both = [name for name in now if name in before]
    failing = [name for name in both if now[name]["outcome"] == Outcome.FAILED != before[name]["outcome"]]
    passing = [name for name in both if now[name]["outcome"] == Outcome.PASSED and before[name]["outcome"] in BAD]
    return {
        "since": previous["run_id"],
        "revision": previous["revision"],
        "newly_failing": failing,
        "newly_passing": passing,
        "moved": [moved for name in both for moved in _moved(name, now[name], before[name])],
    }


def _moved(name: str, now: Document, before: Document) -> Iterator[dict[str, Any]]:
    earlier = {figure["rule"]: figure for figure in before["figures"]}
    for figure in now["figures"]:
        old, new = _estimate(earlier.get(figure["rule"], {})), _estimate(figure)
        if old and new and (new["low"] > old["high"] or new["high"] < old["low"]):
            yield {"name": name, "rule": figure["rule"], "unit": figure["unit"], "before": old, "now": new}


def _estimate(figure: Document) -> dict[str, float] | None:
    """A value with its interval; None for a figure without one, or with one that is open at an end."""
    ends, value = figure.get("interval"), figure.get("value")
    if not isinstance(ends, list) or len(ends) != 2 or value is None or None in ends:  # noqa: PLR2004 - two ends
        return None
    return {"value": float(value), "low": float(ends[0]), "high": float(ends[1])}
