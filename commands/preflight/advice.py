"""Squawk's rules beside ours: advice by another hand, shown and not counted.

Squawk reads statements and knows nothing of the tables: what it says of a table that the revisions make themselves is
left out by us where it can be, and its matters of taste are not asked for at all.
"""

import asyncio
import json
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from probes.errors import SourceRefused
from probes.excerpt import excerpt

# Taste, and what preflight's own transaction handling makes beside the point.
LEFT_OUT = (
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-text-field",
    "prefer-timestamptz",
    "prefer-robust-stmts",
    "require-timeout-settings",
    "require-lock-timeout",
    "require-statement-timeout",
    "transaction-nesting",
)


async def ask_squawk(statements: Sequence[str]) -> list[str]:
    """Its advice, one line for each statement and rule. Raises SourceRefused where squawk does not run."""
    if not statements:
        return []
    program = Path(sysconfig.get_path("scripts")) / "squawk"
    options = [
        "--reporter=json",
        f"--exclude={','.join(LEFT_OUT)}",
        "--assume-in-transaction",
        "--stdin-filepath=a.sql",
    ]
    lines = [" ".join(statement.split()).rstrip(";") + ";" for statement in statements]
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise SourceRefused("squawk", f"can't be started ({error.strerror}): run `make setup`") from error
    answer, problem = await process.communicate("\n".join(lines).encode())
    try:
        found = json.loads(answer)
    except ValueError as error:
        raise SourceRefused("squawk", f"answered no JSON: {excerpt(problem, 300)}") from error
    return list(
        dict.fromkeys(
            f"{one['rule_name']}: {one['message']} [{lines[one['line']]}]" for one in found if one["line"] < len(lines)
        )
    )
