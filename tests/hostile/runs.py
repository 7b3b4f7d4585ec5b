"""Generated runs behind the hostile proxy, and what they came to."""

import asyncio
import json
import os
import random
import re
import shutil
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from tests.counts import PAGE, keep
from tests.hostile.proxy import ALL_MODES, HARMLESS, Hostility, hostile
from tests.hostile.sockets import SOCKET_MODES
from tests.prove.worker import TARGETS
from tests.standing import ROOT, own_folder, standing_twin
from tests.stopwatch import queued_s

OFF_THE_WIRE = {"data", "migrations", "own"}  # they ask a database, or what this target does not have
FAMILIES = tuple(sorted({path.stem.split("_")[1] for path in (ROOT / "suites").glob("test_*.py")} - OFF_THE_WIRE))
DEADLINE_S, GRACE_S, POLL_S = 60.0, 5.0, 0.1
HUNG_S = 30.0  # after the deadline, when a run is killed; from GRACE_S on it was late
MOST_MIB = 300.0
GO = 0
CODES = {0, 1, 2, 10}  # 3 is a crash of the suite and 4 a wrong configuration
SEEN_SHARE = 0.3
SECRET = re.compile("secret|password|key|token|given", re.IGNORECASE)
LEAST_SECRET = 8  # shorter values, such as an algorithm's name, stand anywhere by chance
WITH_SOCKETS = ("websocket", "websocket", "auth")
SHARES = (0.05, 0.3, 1.0)
AGAIN = re.compile(r"(?P<family>[\w-]+), (?P<mode>.+), (?P<share>[\d.]+), seed (?P<seed>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What one run came to."""

    what: str
    code: int
    spoiled: int
    seconds: float
    most_mib: float
    hung: bool
    late: bool  # ended by itself, but after its deadline and the grace, not counting its waits for a core
    traceback: bool
    leaked: bool
    mute: bool  # its last line has no verdict
    must_be_seen: bool  # a whole run in which enough was spoiled that GO would be false

    @property
    def wrong(self) -> str:
        """What is wrong with it; empty when nothing is. A run in which nothing was spoiled may say what it likes."""
        problems = {
            "hung": self.hung,
            "late": self.late,
            "not one of our exit codes": not self.hung and self.code not in CODES,
            "false GO": self.code == GO and self.must_be_seen,
            "traceback": self.traceback,
            "secret": self.leaked,
            "last line": self.mute and not self.hung,
            "memory": self.most_mib > MOST_MIB,
        }
        return ", ".join(name for name, so in problems.items() if so)


async def _one(addresses: dict[str, Any], family: str, hostility: Hostility, folder: Path) -> Came:
    async with AsyncExitStack() as stack:
        overlay = json.loads(json.dumps(addresses))
        for section in ("backend", "auth"):
            url = await stack.enter_async_context(hostile(addresses[section]["url"], hostility))
            overlay[section]["url"] = url
        for key in ("logging_url", "run_url", "monitoring_url"):
            url = addresses["platform"].get(key)
            if url:
                overlay["platform"][key] = await stack.enter_async_context(hostile(url, hostility))
        path = folder / "hostile.json"
        path.write_text(json.dumps(overlay))
        return await _run(path, family, hostility, folder, _secrets(addresses))


def _secrets(addresses: dict[str, Any]) -> list[str]:
    """Everything in the addresses whose name says that it is secret, and the password of each URL."""
    found: list[str] = []
    for value in addresses.values():
        for key, one in value.items() if isinstance(value, dict) else ():
            found += [str(one)] if SECRET.search(key) and isinstance(one, str) and len(one) >= LEAST_SECRET else []
            found += [urlsplit(one).password or ""] if isinstance(one, str) and "://" in one else []
    return [one for one in found if len(one) >= LEAST_SECRET]


def _files(folder: Path) -> dict[str, str]:
    """What the runs so far wrote, by name; the folder is emptied, so that each run answers for its own."""
    texts = {str(path): path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file()}
    shutil.rmtree(folder, ignore_errors=True)
    return texts


def _environment(addresses: Path, folder: Path) -> dict[str, str]:
    """Our own, with bytecode kept from run to run: compiling matplotlib each time is not what is shown."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "NETRA_ADDRESSES": str(addresses),
        "NETRA_RUN_DEADLINE_S": str(DEADLINE_S),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }


@dataclass(slots=True)
class _Watch:
    """What is seen of a running process from outside."""

    pid: int
    begun: float = field(default_factory=time.monotonic)
    most_mib: float = 0.0
    queued_s: list[float] = field(default_factory=list)  # how long it waited for a core: looks from the deadline on

    async def look(self) -> None:
        """Look now and then, until cancelled."""
        process = psutil.Process(self.pid)
        while True:
            self.most_mib = max(self.most_mib, process.memory_info().rss / 2**20)
            if self.seconds >= DEADLINE_S:
                self.queued_s.append(queued_s(self.pid))
            await asyncio.sleep(POLL_S)

    @property
    def seconds(self) -> float:
        """Since the process began."""
        return time.monotonic() - self.begun


async def _watched(process: Process) -> tuple[str, bool, _Watch]:
    """What a process wrote, whether it hung, and what was seen of it; it has ended however this ends."""
    watch, hung = _Watch(process.pid), False
    looking = asyncio.create_task(watch.look())
    try:
        async with asyncio.timeout(DEADLINE_S + HUNG_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        hung = True
        output, _ = await process.communicate()
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        if process.returncode is None:  # the round itself is stopped
            process.kill()
            await process.wait()
    return output.decode(errors="replace"), hung, watch


async def _run(path: Path, family: str, hostility: Hostility, folder: Path, secrets: list[str]) -> Came:
    words = ["-m", "gate.session", "-c", "pytest.ini", "--target=prove", f"--targets-dir={TARGETS}", "--quick"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        f"--report-dir={folder / 'reports'}",
        *(["-k", f"test_{family}"] if family else []),
        cwd=ROOT,
        env=_environment(path, folder),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    text, hung, watch = await _watched(process)
    seconds = watch.seconds
    came = Came(
        what=f"{family or 'whole'}, {hostility.mode}, {hostility.share:g}, seed {hostility.seed}",
        code=process.returncode or 0,
        spoiled=hostility.spoiled,
        seconds=seconds,
        most_mib=watch.most_mib,
        hung=hung,
        late=not hung and seconds - waited(watch.queued_s) > DEADLINE_S + GRACE_S,
        traceback="Traceback" in text or ("unexpected " in text and "Error:" in text),
        leaked=bool(await _leaks(text, folder / "reports", secrets)),
        mute=not text.strip().rpartition("\n")[2].startswith("VERDICT: "),
        must_be_seen=not family and hostility.mode not in HARMLESS and hostility.share >= SEEN_SHARE,
    )
    if came.wrong:
        sys.stdout.write(text)
    return came


def waited(queued_s: Sequence[float]) -> float:
    """How long a process waited for a core between the first and the last look, in seconds."""
    return queued_s[-1] - queued_s[0] if queued_s else 0.0


async def _leaks(output: str, reports: Path, secrets: list[str]) -> list[str]:
    """The files in which a secret stands, printed; the folder is emptied."""
    files = await asyncio.to_thread(_files, reports)
    names = [name for name, content in [("output", output), *files.items()] if any(one in content for one in secrets)]
    sys.stdout.writelines(f"a secret stands in {name}\n" for name in names)
    return names


def _draw_all(runs: int, seed: int, whole: int) -> list[tuple[str, Hostility]]:
    """What each run meets: `runs` of single families, then `whole` runs of everything."""
    draw, drawn = random.Random(seed), list[tuple[str, Hostility]]()  # noqa: S311 - seeded
    for number in range(runs + whole):
        mode = draw.choice(ALL_MODES)
        family = draw.choice(WITH_SOCKETS if mode in SOCKET_MODES else FAMILIES) if number < runs else ""
        drawn.append((family, Hostility(mode, draw.choice(SHARES), draw.randrange(10**6))))
    return drawn


def read_again(text: str) -> tuple[str, Hostility]:
    """A run as the command printed it: `whole, connection close, 1, seed 995513`. Raises ValueError."""
    match = AGAIN.match(text)
    if match is None or match["mode"] not in ALL_MODES or match["family"] not in {"whole", *FAMILIES}:
        raise ValueError(f"{text!r} is not a run: write one as it was printed, up to its seed")
    family = "" if match["family"] == "whole" else match["family"]
    return family, Hostility(match["mode"], float(match["share"]), int(match["seed"]))


async def main(runs: int = 20, seed: int = 1, whole: int = 0, *, again: str = "", page: Path = PAGE) -> int:
    """Run `runs` of single families and `whole` of everything; print each, keep the counts, return 1 if any is wrong.

    `again` is one run as it was printed, which is repeated alone and not counted.
    """
    drawn = [read_again(again)] if again else _draw_all(runs, seed, whole)
    folder, came = own_folder("netra-hostile-"), list[Came]()
    try:
        async with standing_twin(folder / "addresses.json") as addresses:
            for family, hostility in drawn:
                came.append(await _one(addresses, family, hostility, folder))
                one = came[-1]
                sys.stdout.write(
                    f"{one.what}: exit {one.code}, {one.spoiled} spoiled, {one.seconds:.1f} s, "
                    f"{one.most_mib:.0f} MiB {one.wrong}\n"
                )
                sys.stdout.flush()
                if not again:
                    keep("hostile", f"Seed {seed}", _counts(came), page)  # after each: a round may be stopped
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)
    return int(any(one.wrong for one in came))


def _counts(came: list[Came]) -> str:
    wrong = [f"{one.what}: {one.wrong}" for one in came if one.wrong]
    codes = {code: sum(one.code == code for one in came) for code in sorted({one.code for one in came})}
    return (
        f"{len(came)} runs, {sum(one.what.startswith('whole') for one in came)} of them whole; "
        f"{sum(one.spoiled for one in came)} answers spoiled. Exit codes: "
        f"{', '.join(f'{code}: {count}' for code, count in codes.items())}. Longest "
        f"{max(one.seconds for one in came):.0f} s, most memory {max(one.most_mib for one in came):.0f} MiB. "
        f"Wrong: {'; '.join(wrong) or 'none'}."
    )
