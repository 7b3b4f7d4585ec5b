"""Child processes of the supervisor, each known to the janitor from its first moment."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

STOP_S = 5.0
READY_S = 20.0
POLL_S = 0.02
TAIL = 15


class BootError(Exception):
    """A process of the twin did not come up; the text is one paragraph with the end of its log."""


@dataclass(slots=True)
class Processes:
    """Starts processes in sessions of their own and ends them all."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="netra-twin-")))
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    signals: dict[str, int] = field(default_factory=dict)
    _janitor: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Start the janitor; from now on nothing outlives us. The folder is for every user to pass through."""
        self.folder.chmod(0o711)
        self._janitor = subprocess.Popen(
            [sys.executable, "-m", "twin.janitor", str(self.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd=Path(__file__).parent.parent,
        )

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        stdout: Path | None = None,
        stderr: Path | None = None,
        stop_signal: int = signal.SIGTERM,
        user: int | None = None,
        held: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start a process in its own session; output to files, or to ours. A `held` one waits for `release`."""
        with _opened(stdout) as out, _opened(stderr) as err:
            process = subprocess.Popen(
                [str(part) for part in command],
                env=None if env is None else dict(env),
                stdout=out,
                stderr=err,
                stdin=subprocess.PIPE if held else subprocess.DEVNULL if stdout else None,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        self._tell(process.pid, stop_signal)
        self.running[name], self.signals[name] = process, stop_signal
        return process

    def _tell(self, pid: int, number: int) -> None:
        if self._janitor is not None and self._janitor.stdin is not None:
            self._janitor.stdin.write(f"{pid} {number}\n".encode())
            self._janitor.stdin.flush()

    def release(self, held: str, name: str) -> None:
        """Have a held process, which waits for a line of its standard input, go on under another name."""
        process = self.running[name] = self.running.pop(held)
        self.signals[name] = self.signals.pop(held)
        if process.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended; whatever waits for it reads why in its log
                process.stdin.write(b"\n")
                process.stdin.close()

    async def stop(self, name: str) -> None:
        """Stop one process and wait for it; killed when it does not listen."""
        process = self.running.pop(name)
        if process.poll() is None:
            process.send_signal(self.signals[name])
            process.send_signal(signal.SIGCONT)
        try:
            await asyncio.to_thread(process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.wait)
        self._tell(process.pid, 0)

    async def close(self) -> None:
        """Stop everything at once, then let the janitor remove the folder."""
        await asyncio.gather(*map(self.stop, list(self.running)))
        if self._janitor is not None and self._janitor.stdin is not None:
            self._janitor.stdin.close()
            await asyncio.to_thread(self._janitor.wait)

    async def ready(self, name: str, look: Callable[[], bool], logs: Sequence[Path] = ()) -> None:
        """Wait until a process answers. Raises BootError with the end of its logs when it ends or takes too long."""
        limit = time.monotonic() + READY_S
        while not await asyncio.to_thread(look):
            process = self.running[name]
            if process.poll() is not None:
                raise BootError(f"{name} ended at once with code {process.returncode}. {_tail(logs)}")
            if time.monotonic() > limit:
                raise BootError(f"{name} did not answer within {READY_S:g} s. {_tail(logs)}")
            await asyncio.sleep(POLL_S)


class _opened:  # noqa: N801 - reads as a verb where it is used
    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("ab")

    def __enter__(self) -> int | None:
        return None if self._file is None else self._file.fileno()

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _tail(logs: Sequence[Path]) -> str:
    lines = [line for path in logs if path.exists() for line in path.read_text(errors="replace").splitlines()]
    return "Its last lines: " + " | ".join(lines[-TAIL:]) if lines else "It said nothing."
