#!/usr/bin/env python3
"""`outputs.py REPORTS`: the last run's verdict as key=value lines, for a GitHub step's outputs and GitLab's patience.

`waiting` is true if INCONCLUSIVE means only that more time is needed: everything that ran passed, and the rest is owed.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def main(reports: Path) -> list[str]:
    """The lines; a run without a verdict is INCONCLUSIVE, without a revision, and not waiting."""
    try:
        document = json.loads((reports / "latest/verdict.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        document = {}
    document = document if isinstance(document, dict) else {}
    outputs = {
        "verdict": document.get("verdict", "INCONCLUSIVE"),
        "revision": document.get("revision", ""),
        "waiting": str(_waiting(document)).lower(),
    }
    return [f"{key}={' '.join(str(value).split())}" for key, value in outputs.items()]


def _waiting(document: Mapping[str, Any]) -> bool:
    outcomes = {row["outcome"] for row in document.get("checks", []) if row["required"]}
    clouded = document.get("doubts") or document.get("interrupted") or document.get("residue") != 0
    return document.get("verdict") == "INCONCLUSIVE" and not clouded and outcomes == {"PASSED", "PENDING"}


if __name__ == "__main__":
    sys.stdout.write("\n".join(main(Path(sys.argv[1]))) + "\n")
