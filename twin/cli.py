"""The command line: boot around one command (`exec`), or in the background (`up`, `down`)."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from twin.late_imports import imported
from twin.ports import PortTakenError, free_ports, refuse_taken
from twin.postgres import Postgres
from twin.processes import BootError, Processes
from twin.serving import SecondServer
from twin.stack import Stack
from twin.states import DEPLOYED, STATES, UnknownNameError, faults_of, faults_of_candidate
from twin.switching.registry import declared

ADDRESSES = Path(".twin/addresses.json")
UP_S, DOWN_S = 40.0, 20.0
USER_ERROR = 2
POLL_S = 0.05
SHORTEST_HOUR_S = 2.0  # a token of 15 minutes then lives half a second; JWTs count whole ones
SETTABLE_PORTS = ("backend", "auth", "database", "platform", "control")


def main(arguments: list[str]) -> int:
    """Run one command; return the process's exit code. A user's mistake is one paragraph and code 2."""
    options = _parse(arguments)
    try:
        return int(options.run(options))
    except (UnknownNameError, PortTakenError, BootError) as error:
        print(f"twin: {error}", file=sys.stderr)  # noqa: T201 - the command line's own output
        return USER_ERROR


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m twin", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, run in (("exec", _exec), ("hold", _hold), ("up", _up)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        _add_options(command)
        if name == "exec":
            command.add_argument("command", nargs=argparse.REMAINDER)
        if name == "hold":
            command.add_argument("--while-stdin", action="store_true", help="end when standard input does")
    scratch = commands.add_parser(
        "scratch", help="an empty PostgreSQL, its URL in $NETRA_SCRATCH_URL, around a command"
    )
    scratch.set_defaults(run=_scratch)
    scratch.add_argument("command", nargs=argparse.REMAINDER)
    down = commands.add_parser("down")
    down.set_defaults(run=_down)
    down.add_argument("--addresses", type=Path, default=ADDRESSES)
    commands.add_parser("faults").set_defaults(run=_faults)
    return parser.parse_args(arguments)


def _add_options(command: argparse.ArgumentParser) -> None:
    """The options of every command that boots the twin."""
    command.add_argument("--state", default="fixed", help=f"one of {', '.join([*STATES, *DEPLOYED])}")
    command.add_argument("--fault", action="append", default=[], help="a fault's id, or several with commas")
    command.add_argument("--candidate", action="store_true", help="a revision without traffic, tagged `verify`")
    command.add_argument("--candidate-fault", action="append", default=[], help="the same as --fault, in it alone")
    command.add_argument("--people", type=int, default=0, help="number of users with browsers who read their lists")
    command.add_argument("--addresses", type=Path, default=None)
    command.add_argument("--verbose", action="store_true")
    command.add_argument("--cut", type=_seconds, default=3600.0, help="what an hour of a WebSocket takes: 20s, 1h")
    command.add_argument("--age", type=_seconds, default=0.0, help="how long the revisions have been serving: 25h")
    command.add_argument("--requests-per-hour", type=float, default=60.0, help="in that time")
    for port in SETTABLE_PORTS:
        command.add_argument(f"--port-{port}", type=int, default=None)


def _seconds(text: str) -> float:
    """Seconds of `20s`, `5m` or `1h`. Raises argparse.ArgumentTypeError."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    try:
        seconds = float(text[:-1]) * units[text[-1:]]
    except (KeyError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write 20s, 5m or 1h") from error
    if seconds < SHORTEST_HOUR_S:
        raise argparse.ArgumentTypeError(f"{text!r} is too short: an hour needs at least {SHORTEST_HOUR_S:g} s here")
    return seconds


def _faults(_options: argparse.Namespace) -> int:
    for one in (one for one in declared().values() if not one.dependency):
        print(f"{one.id:<44} {one.place:<9} {one.seen}")  # noqa: T201 - the command line's own output
    return 0


@asynccontextmanager
async def _booted(options: argparse.Namespace) -> AsyncIterator[Stack]:
    """The running twin with its control port; everything is gone afterwards."""
    wanted = faults_of(options.state, _ids(options.fault))
    alone = faults_of_candidate(_ids(options.candidate_fault))
    chosen = {port: getattr(options, f"port_{port}") for port in SETTABLE_PORTS if getattr(options, f"port_{port}")}
    refuse_taken((f"--port-{name}", port) for name, port in chosen.items())
    begun = time.monotonic()
    deployed = DEPLOYED.get(options.state, "")
    stack = Stack(hour_s=options.cut, deployed=deployed, candidate=options.candidate or bool(alone))
    stack.ports.update(chosen)
    try:
        # FastAPI takes a third of a second to import: while the processes start, nothing waits for it.
        _, control = await asyncio.gather(stack.start(), imported("twin.supervisor_control"))
        app = control.control_port(stack, options.state, wanted)
        server = SecondServer(app, stack.ports["control"])
        serving = asyncio.create_task(server.serve())
        if options.age:
            await stack.age(options.age / 3600, options.requests_per_hour)
        await _put_in_force(stack, wanted, alone)
        await server.until_started()
        if options.verbose:
            print(f"twin: up after {time.monotonic() - begun:.1f} s", file=sys.stderr)  # noqa: T201 - asked for
        async with stack.read_by(options.people):
            yield stack
        server.should_exit = True
        await serving
    finally:
        await stack.stop()


async def _put_in_force(stack: Stack, wanted: list[str], alone: list[str]) -> None:
    """Switch on the faults of the whole twin, and those of the candidate alone."""
    if wanted:
        await stack.switch(wanted)
    if alone:
        await stack.switch_candidate(alone)


def _ids(given: list[str]) -> list[str]:
    return [one for several in given for one in several.split(",") if one]


def _write_addresses(stack: Stack, path: Path, people: int) -> None:
    addresses = stack.addresses()
    addresses["twin"]["users"] = people > 0
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.touch(mode=0o600)
    half.write_text(json.dumps(addresses, indent=1))
    half.replace(path)


def _exec(options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UnknownNameError("exec needs a command: python -m twin exec -- pytest --target local")
    return asyncio.run(_run_command(options, command))


async def _run_command(options: argparse.Namespace, command: list[str]) -> int:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    received: list[int] = []

    def on_signal(number: int) -> None:
        received.append(number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, on_signal, number)
    async with _booted(options) as stack:
        if stopped.is_set():
            return 128 + received[0]
        path = options.addresses or stack.processes.folder / "addresses.json"
        _write_addresses(stack, path, options.people)
        child = stack.processes.start("command", command, env=os.environ | {"NETRA_ADDRESSES": str(path)})
        return await _await_command(child, stopped, received)


async def _await_command(child: subprocess.Popen[bytes], stopped: asyncio.Event, received: list[int]) -> int:
    """Wait for the command; hand it the signal that we were sent, once, and give it time to wind down."""
    ended = asyncio.create_task(asyncio.to_thread(child.wait))
    signalled = asyncio.create_task(stopped.wait())
    await asyncio.wait({ended, signalled}, return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        child.send_signal(signal.SIGTERM if received[0] == signal.SIGHUP else received[0])
        done, _ = await asyncio.wait({ended}, timeout=DOWN_S)
        if not done:
            child.kill()
    signalled.cancel()
    code = await ended
    return 128 - code if code < 0 else code


def _scratch(options: argparse.Namespace) -> int:
    return asyncio.run(_around_scratch(options.command[1:] if options.command[:1] == ["--"] else options.command))


async def _around_scratch(command: list[str]) -> int:
    processes = Processes()
    processes.open()
    try:
        postgres = Postgres(processes=processes, port=free_ports(1)[0])
        await postgres.start()
        environment = os.environ | {"NETRA_SCRATCH_URL": postgres.owner_url}
        return await asyncio.to_thread(processes.start("command", command, env=environment).wait)
    finally:
        await processes.close()


def _hold(options: argparse.Namespace) -> int:
    return asyncio.run(_held(options))


async def _held(options: argparse.Namespace) -> int:
    """Boot, write the addresses, and stay until a signal."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    if options.while_stdin:
        _until_stdin_ends(asyncio.get_running_loop(), stopped)
    path: Path = options.addresses or ADDRESSES
    pid = _pid_file(path)
    async with _booted(options) as stack:
        _write_pid(pid)
        _write_addresses(stack, path, options.people)
        await stopped.wait()
        _forget(path)
    return 0


def _until_stdin_ends(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """Set the event when the process at the other end of our standard input is gone, however it ended."""

    def read() -> None:
        while os.read(sys.stdin.fileno(), 1024):  # not through its buffer, whose lock would abort our own end
            pass
        with contextlib.suppress(RuntimeError):  # the loop has ended before: nothing waits for it
            loop.call_soon_threadsafe(stopped.set)

    threading.Thread(target=read, daemon=True).start()


def _write_pid(pid: Path) -> None:
    pid.parent.mkdir(parents=True, exist_ok=True)
    pid.write_text(str(os.getpid()))


def _forget(addresses: Path) -> None:
    addresses.unlink(missing_ok=True)
    _pid_file(addresses).unlink(missing_ok=True)


def _pid_file(addresses: Path) -> Path:
    return addresses.with_suffix(".pid")


def _running(addresses: Path) -> int | None:
    """The holder's process id; None when there is none, its leftovers removed."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        pid = int(_pid_file(addresses).read_text())
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            _forget(addresses)
            return None
        return pid
    return None


def _up(options: argparse.Namespace) -> int:
    path: Path = options.addresses or ADDRESSES
    if _running(path) is None:
        faults_of(options.state, _ids(options.fault))
        faults_of_candidate(_ids(options.candidate_fault))
        path.parent.mkdir(parents=True, exist_ok=True)
        log = path.with_suffix(".log")
        words = ["hold" if word == "up" else word for word in sys.argv[1:]]
        with log.open("wb") as file:
            holder = subprocess.Popen(
                [sys.executable, "-m", "twin", *words],
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        limit = time.monotonic() + UP_S
        while not path.exists():
            if holder.poll() is not None or time.monotonic() > limit:
                raise BootError(f"it did not come up: {log.read_text()[-1500:].removeprefix('twin: ')}")
            time.sleep(POLL_S)
    addresses = json.loads(path.read_text())
    shown = {key: addresses[key]["url"] for key in ("backend", "auth")} | addresses["twin"]
    print(f"the twin is up: {json.dumps(shown)}\naddresses and secrets: {path}")  # noqa: T201 - the command's product
    return 0


def _down(options: argparse.Namespace) -> int:
    pid = _running(options.addresses)
    if pid is None:
        print("the twin is not up")  # noqa: T201 - the command's product
        return 0
    os.kill(pid, signal.SIGTERM)
    limit = time.monotonic() + DOWN_S
    while _running(options.addresses) is not None:
        if time.monotonic() > limit:
            raise BootError(f"process {pid} did not stop within {DOWN_S:g} s")
        time.sleep(POLL_S)
    print("the twin is down")  # noqa: T201 - the command's product
    return 0
