#!/usr/bin/env python3
"""`outputs.py REPORTS`: the last run's verdict and revision as lines for a GitHub step's outputs."""

import json
import sys
from pathlib import Path


def main(reports: Path) -> list[str]:
    """The lines; a run that left no verdict is INCONCLUSIVE, of no revision."""
    try:
        document = json.loads((reports / "latest/verdict.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = {}
    said = {"verdict": document.get("verdict", "INCONCLUSIVE"), "revision": document.get("revision", "")}
    return [f"{key}={' '.join(str(value).split())}" for key, value in said.items()]


if __name__ == "__main__":
    sys.stdout.write("\n".join(main(Path(sys.argv[1]))) + "\n")
