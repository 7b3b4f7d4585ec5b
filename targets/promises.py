"""What a target's file promises, as one digest: runs by different promises are not evidence of one another."""

import hashlib
import json
from pathlib import Path

from targets.leave import flat
from targets.loading import described_by

JUDGING = ("contract", "sizes", "deadlines")  # what decides whether a case passes, besides the service


def digest_of_promises(name: str, folder: Path | None = None) -> str:
    """SHA-256 of what the target's file itself says about contract, sizes and deadlines, as 64 hexadecimal digits.

    The suite's defaults, the environment and a twin's addresses are not part of it: a file that says what the defaults
    say anyway has the same digest, and so has one whose lines are in another order. Raises ConfigurationError.
    """
    values, defaults = described_by(name, folder)
    own = {
        key: value
        for key, value in flat({part: values.get(part, {}) for part in JUDGING}).items()
        if key not in defaults or value != defaults[key]
    }
    return hashlib.sha256(json.dumps(own, sort_keys=True, default=str).encode()).hexdigest()
