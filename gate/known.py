"""Known failures: one TOML file, each with an owner, a reason and an expiry date.

```toml
["threads.metadata[1 MiB]"]
owner = "backend team"
reason = "answers are cut at 512 KiB until the gateway is upgraded"
expires = 2026-12-24
```

A known failure that fails is shown and does not count against the verdict until its date; one that passes makes
the run INCONCLUSIVE, so that the list can't rot; an expired one counts in full.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Known:
    """One accepted failure."""

    name: str  # "threads.metadata[1 MiB]", or "threads.deleted" for a check without cases
    owner: str
    reason: str
    expires: date
    expired: bool = False  # shown, and no excuse any more


def load_known(path: Path | None, today: date) -> dict[str, Known]:
    """Read the known failures, expired ones too. Raises pytest.UsageError naming the file, the entry and the key."""
    if path is None:
        return {}
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise pytest.UsageError(f"known failures: {path} can't be read: {error}") from error
    known = {}
    for name, entry in entries.items():
        lacking = [key for key in ("owner", "reason", "expires") if not isinstance(entry, dict) or not entry.get(key)]
        if lacking or not isinstance(entry["expires"], date):
            what = f"lacks {', '.join(lacking)}" if lacking else "has an `expires` that is no date (2026-12-24)"
            raise pytest.UsageError(f"known failures: {path}: entry {name!r} {what}; each needs all three.")
        expires = entry["expires"]
        known[name] = Known(name, str(entry["owner"]), str(entry["reason"]), expires, expired=expires < today)
    return known
