"""What judging a candidate costs beside the smoke phase, which is part of it: each on a twin of its kind, in turn.

A twin with a candidate can't show the smoke phase: its newest revision has no users, which is NO-GO after a deploy.
"""

import json
import sys
import tempfile
from pathlib import Path

from bench.figures import Figure
from bench.runs import PYTEST, timed, took

TWINS = {"smoke": (), "candidate": ("--candidate",)}
PHASES = {"smoke": ("--phase=smoke",), "candidate": ("--phase=candidate", "--tag=verify")}
TURNS = ("smoke", "candidate", "candidate", "smoke")  # whatever warms up or slows down the machine meets both alike
LIMIT = 1.3


async def measure() -> list[Figure]:
    """All figures of this file. The first boot warms the caches and is not counted."""
    await timed(*_within("candidate"), "-c", "pass")
    seconds = dict.fromkeys(PHASES, 0.0)
    with tempfile.TemporaryDirectory(prefix="netra-bench-") as name:
        for phase in TURNS:
            await timed(*_within(phase), *PYTEST, f"--report-dir={name}", *PHASES[phase])
            seconds[phase] += took(json.loads((Path(name) / "latest/verdict.json").read_text(encoding="utf-8")))
    each = {phase: total / TURNS.count(phase) for phase, total in seconds.items()}
    return [
        Figure(
            name="candidate phase beside smoke",
            value=each["candidate"] / each["smoke"],
            limit=LIMIT,
            unit="x",
            beside=f"{each['candidate']:.1f} s and {each['smoke']:.1f} s",
        )
    ]


def _within(phase: str) -> tuple[str, ...]:
    """Python's words for a command within the phase's twin."""
    return "-m", "twin", "exec", *TWINS[phase], "--", sys.executable
