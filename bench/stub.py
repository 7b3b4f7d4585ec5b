"""A server in a process of its own with known times: `python -m bench.stub`. It says its own time in Server-Timing.

A fixed service time, a share of calls that takes longer (by dice of a given seed), and one stall of the whole process.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

END_OF_HEAD = b"\r\n\r\n"
CONTENT_LENGTH = b"content-length:"


class Served:
    """The answers, and the one moment at which everything stands still."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._dice = random.Random(options.seed)  # noqa: S311 - a service that must repeat
        self._stall_at: float | None = None
        self._stalled = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = await reader.readuntil(END_OF_HEAD)
                lines = head.lower().split(b"\r\n")
                length = next((int(one[15:]) for one in lines if one.startswith(CONTENT_LENGTH)), 0)
                await reader.readexactly(length)
                begun = time.perf_counter()
                await self._take_time(begun)
                took = (time.perf_counter() - begun) * 1e3
                writer.write(
                    f"HTTP/1.1 200 OK\r\nserver-timing: total;dur={took:.3f}\r\ncontent-length: 2\r\n\r\n{{}}".encode()
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _take_time(self, now: float) -> None:
        options = self._options
        if options.stall_after_s and not self._stalled:
            self._stall_at = self._stall_at or now + options.stall_after_s
            if now >= self._stall_at:
                self._stalled = True
                time.sleep(options.stall_s)  # noqa: ASYNC251 - the stall
        slow = options.slow_share and self._dice.random() < options.slow_share
        await asyncio.sleep(options.slow_s if slow else options.service_s)


async def _main(options: argparse.Namespace) -> None:
    server = await asyncio.start_server(Served(options).serve, "127.0.0.1", 0, backlog=1024)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


@asynccontextmanager
async def stub(**options: float) -> AsyncIterator[str]:
    """The server, up, as its URL; options are those of the command line (`service_s=0.02`)."""
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.stub", *words, stdout=PIPE)
    try:
        if process.stdout is None:
            raise RuntimeError("the stub has no stdout")
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        yield f"http://127.0.0.1:{told['port']}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.stub", description=__doc__)
    parser.add_argument("--service-s", type=float, default=0.001)
    parser.add_argument("--slow-share", type=float, default=0.0)
    parser.add_argument("--slow-s", type=float, default=0.15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stall-after-s", type=float, default=0.0, help="after the first request; 0: never")
    parser.add_argument("--stall-s", type=float, default=1.0)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(_main(_parse()))
