"""Runs of a tree's suite, each a process of its own that does not import its libraries again; see warm_start.py."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

START = Path(__file__).with_name("warm_start.py")


class StartLost(Exception):
    """The process that forks the runs is gone: no run can be begun with it."""


@dataclass(frozen=True, slots=True)
class WarmRuns:
    """One run after another; `folder` holds what the last one said."""

    folder: Path
    process: asyncio.subprocess.Process

    async def run(
        self, within_s: float, *words: str, tree: Path, environment: Mapping[str, str] = os.environ
    ) -> tuple[int, bytes]:
        """`python -m pytest` with these words, in a tree: its exit code (negative: a signal's), and all that it said.

        Variables that Python itself reads when it starts (PYTHON...) have no effect.

        Raises:
            TimeoutError: It took longer, and was ended.
            StartLost: The process that forks has ended.
        """
        output = self.folder / "warm-output.txt"
        asked = {"words": words, "environment": dict(environment), "tree": str(tree), "output": str(output)}
        if self.process.stdin is None:
            raise StartLost("its standard input is not ours")
        self.process.stdin.write(f"{json.dumps(asked)}\n".encode())
        run = await self._number()
        ended = asyncio.create_task(self._number())
        try:
            code = await asyncio.wait_for(asyncio.shield(ended), within_s)
        finally:
            if not ended.done():
                os.kill(run, signal.SIGKILL)
                await ended
        return code, await asyncio.to_thread(output.read_bytes)

    async def _number(self) -> int:
        line = await self.process.stdout.readline() if self.process.stdout else b""
        if not line:
            raise StartLost(f"it ended with {await self.process.wait()}")
        return int(line)


@asynccontextmanager
async def warm_runs(folder: Path) -> AsyncIterator[WarmRuns]:
    """Have a process ready that forks runs, and end it and its run with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(START)), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield WarmRuns(folder, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
