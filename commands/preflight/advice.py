"""Squawk's rules in addition to ours: a second opinion, which is shown but not counted.

Squawk reads statements and knows nothing about the tables. What it says about a table that the revisions themselves
create is left out if possible, and its rules of style are disabled.
"""

import asyncio
import json
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from gate.extras import how_to_install
from probes.errors import SourceRefused
from probes.foreign.excerpt import excerpt

# Rules of style, and rules that preflight's own transaction handling makes irrelevant.
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
    "ban-concurrent-index-creation-in-transaction",
)


async def ask_squawk(statements: Sequence[str]) -> list[str]:
    """Its advice, one line for each statement and rule. Raises SourceRefused if squawk can't be run."""
    if not statements:
        return []
    lines = [" ".join(statement.split()).rstrip(";") + ";" for statement in statements]
    answer, problem = await _squawk("\n".join(lines))
    try:
        found = json.loads(answer)
    except ValueError as error:
        raise SourceRefused("squawk", f"did not answer in JSON: {excerpt(problem, 300)}") from error
    return list(
        dict.fromkeys(
            f"{one['rule_name']}: {one['message']} [{lines[one['line']]}]" for one in found if one["line"] < len(lines)
        )
    )


async def _squawk(sql: str) -> tuple[bytes, bytes]:
    """What squawk writes about the statements to stdout and to stderr."""
    program = Path(sysconfig.get_path("scripts")) / "squawk"
    options = [
        "--reporter=json",
        f"--exclude={','.join(LEFT_OUT)}",
        "--assume-in-transaction",
        "--stdin-filepath=a.sql",
    ]
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(program, *options, stdin=pipe, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise SourceRefused("squawk", f"can't be started ({error.strerror}): {how_to_install('preflight')}") from error
    return await process.communicate(sql.encode())
