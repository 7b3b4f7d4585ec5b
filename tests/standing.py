"""A twin that stays up while runs use it, and ends with the process that started it, however that ends."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[1]
BOOT_S, POLL_S = 60.0, 0.05
INTERRUPTED = 2  # as pytest's

_T = TypeVar("_T")


def run_to_its_end(rounds: Coroutine[Any, Any, _T]) -> _T:
    """asyncio.run, with SIGTERM as Ctrl-C: whatever a round started ends with it. Returns what the rounds return.

    Raises:
        SystemExit: INTERRUPTED, with a word on standard error, if the rounds were.
    """

    async def hold() -> _T:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await rounds

    try:
        return asyncio.run(hold())
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("interrupted\n")
        raise SystemExit(INTERRUPTED) from None


def own_folder(prefix: str) -> Path:
    """A folder for a round's files. Everybody may pass through: where we are root PostgreSQL runs as another user."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o711)
    return folder


@asynccontextmanager
async def standing_twin(addresses: Path, *words: str, tree: Path = ROOT) -> AsyncIterator[dict[str, Any]]:
    """Start a tree's twin with further words of its command line; yields what it wrote to `addresses`.

    Raises:
        RuntimeError: It did not come up; its own message stands on standard error.
        TimeoutError: It takes too long.
    """
    twin = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "twin",
        "hold",
        "--while-stdin",
        "--addresses",
        str(addresses),
        *words,
        cwd=tree,
        stdin=asyncio.subprocess.PIPE,  # held open by us alone: however we end, the twin ends with us
    )
    try:
        async with asyncio.timeout(BOOT_S):
            while not await asyncio.to_thread(addresses.exists):
                if twin.returncode is not None:
                    raise RuntimeError("the twin did not come up; its message is above")
                await asyncio.sleep(POLL_S)
        yield json.loads(await asyncio.to_thread(addresses.read_text, "utf-8"))
    finally:
        if twin.returncode is None:
            twin.send_signal(signal.SIGTERM)
        await twin.wait()


async def run_within(
    within_s: float, *command: str, environment: Mapping[str, str] = os.environ, tree: Path = ROOT
) -> tuple[int, bytes]:
    """A command's exit code, and all that it said. Raises TimeoutError; the process has ended however this ends."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tree, env=dict(environment), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(within_s):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output


@asynccontextmanager
async def busy_processors(count: int = os.cpu_count() or 1) -> AsyncIterator[None]:
    """Processes that only burn CPU: one for each processor, or `count`."""
    others = [await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass") for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            await other.wait()
