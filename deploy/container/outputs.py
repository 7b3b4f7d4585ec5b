#!/usr/bin/env python3
"""`outputs.py REPORTS`: the last run's verdict as key=value lines, for a GitHub step's outputs and GitLab's patience.

`waiting` is true when INCONCLUSIVE means time and nothing else: all that ran is fine, and what is not proved is owed.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def main(reports: Path) -> list[str]:
    """The lines; a run that left no verdict is INCONCLUSIVE, of no revision, and waits for nothing."""
    try:
        document = json.loads((reports / "latest/verdict.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = {}
    said = {
        "verdict": document.get("verdict", "INCONCLUSIVE"),
        "revision": document.get("revision", ""),
        "waiting": str(_waiting(document)).lower(),
    }
    return [f"{key}={' '.join(str(value).split())}" for key, value in said.items()]


def _waiting(document: Mapping[str, Any]) -> bool:
    outcomes = {row["outcome"] for row in document.get("checks", []) if row["required"]}
    clouded = document.get("doubts") or document.get("interrupted") or document.get("residue") != 0
    return document.get("verdict") == "INCONCLUSIVE" and not clouded and outcomes == {"PASSED", "PENDING"}


if __name__ == "__main__":
    sys.stdout.write("\n".join(main(Path(sys.argv[1]))) + "\n")
