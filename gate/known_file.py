"""Known failures: one TOML file, each with an owner, a reason and an expiry date.

```toml
["threads.metadata[1 MiB]"]
owner = "backend team"
reason = "answers are cut at 512 KiB until the gateway is upgraded"
expires = 2026-12-24
```

A known failure that fails is shown, mentioned in the verdict's sentence, and does not count against the verdict until
its date. One that passes makes the run INCONCLUSIVE, so that the list stays current. An expired one counts in full.
The date is at most 90 days ahead: to accept a failure for longer, renew it.
"""

import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from gate.known import MOST_AHEAD, Known, in_force


def load_known(path: Path | None, today: date) -> dict[str, Known]:
    """Read the known failures, expired ones too. Raises pytest.UsageError naming the file, the entry and the key."""
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        entries = tomllib.loads(text.removeprefix("\ufeff"))  # some editors write a byte order mark
    except (OSError, ValueError, RecursionError) as error:  # also a number of too many digits, and tables in tables
        raise pytest.UsageError(f"known failures: {path} can't be read: {error}") from error
    known = {}
    for name, entry in entries.items():
        lacking = [key for key in ("owner", "reason", "expires") if not isinstance(entry, dict) or not entry.get(key)]
        if lacking or type(entry["expires"]) is not date:  # TOML's date with a time is one of Python's dates, too
            what = f"lacks {', '.join(lacking)}" if lacking else "has an `expires` that is not a date (2026-12-24)"
            raise pytest.UsageError(f"known failures: {path}: entry {name!r} {what}; each needs all three.")
        expires = entry["expires"]
        expired = not in_force(expires, listed=today, today=today)
        known[name] = Known(
            name=name, owner=str(entry["owner"]), reason=str(entry["reason"]), expires=expires, expired=expired
        )
    refuse_too_far_ahead(known.values(), f"known failures: {path}", today)
    return known


def refuse_too_far_ahead(listed: Iterable[Known], where: str, today: date) -> None:
    """Raise pytest.UsageError naming the first entry whose date is too far ahead."""
    last = today + MOST_AHEAD
    for one in listed:
        if one.expires > last:
            raise pytest.UsageError(
                f"{where}: entry {one.name!r} is accepted until {one.expires}, more than {MOST_AHEAD.days} days ahead: "
                f"set its date to {last} at the latest, and renew it then."
            )
