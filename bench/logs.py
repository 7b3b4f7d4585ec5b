"""Reading logs: big exports compared with json.loads per line, and entries:list with fetching the pages unread."""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench.figures import Figure
from probes.google.access_tokens import no_token
from probes.google.google_api import GoogleApi
from probes.http.client import HttpClient
from probes.identity import RunIdentity
from probes.logs.cloud_logging import PAGE, CloudLogging, log_filter
from probes.timing.window import Window
from twin.ports import free_ports

ENTRIES, FIVEFOLD, HITS = 1_000_000, 5_000_000, 100
LISTED = 60_000
INSTANCE = "0069c7a988" + "7b7eccb40c9b8b86fa5f2fe707d6f2a3ae3cef54b074268eca9fbf54" * 2
BEGUN = datetime(2025, 9, 7, tzinfo=UTC)
REVISION = "netra-backend-staging-00093-x55"
IN_A_PROCESS = """
import json, resource, sys, threading, time
import psutil
from functools import partial
from probes.logs.{module} import {name}
from tests.probes.logs.known import KNOWN
work = partial({name}, incidents=KNOWN) if "{name}" == "survey" else {name}
most, done, me = 0, threading.Event(), psutil.Process()
def watch():
    global most
    while not done.wait(0.02):
        family = [me, *me.children(recursive=True)]
        most = max(most, sum(one.memory_info().rss for one in family if one.is_running()))
if __name__ == "__main__":
    watcher = threading.Thread(target=watch); watcher.start()
    begun = time.perf_counter()
    found = work(sys.argv[1])
    took = time.perf_counter() - begun
    done.set(); watcher.join()
    hits = len(found) if isinstance(found, list) else sum(e.is_server_error for e in found.telling.values())
    print(json.dumps([took, most / 2**20, hits]))
"""


RESOURCE = {
    "labels": {
        "configuration_name": "netra-backend-staging",
        "location": "us-central1",
        "project_id": "netra-staging",
        "revision_name": REVISION,
        "service_name": "netra-backend-staging",
    },
    "type": "cloud_run_revision",
}
REQUEST: dict[str, object] = {
    "latency": "0.008254829s",
    "protocol": "HTTP/1.1",
    "remoteIp": "192.0.2.1",
    "requestMethod": "GET",
    "requestSize": "337",
    "requestUrl": "https://api.staging.netrasystems.ai/api/threads?limit=20",
    "responseSize": "2436",
    "serverIp": "198.51.100.1",
}


async def measure() -> list[Figure]:
    """All figures of this file."""
    with tempfile.TemporaryDirectory(prefix="netra-bench-") as name:
        scanned = _measure_scan(Path(name))
    return [*scanned, await _measure_list()]


@dataclass(frozen=True, slots=True)
class _Done:
    """One reading of an export in a process of its own: seconds, most MiB of it and its children, and hits."""

    seconds: float
    mib: float
    hits: int


def _measure_scan(folder: Path) -> list[Figure]:
    one, five = folder / "one.ndjson", folder / "five.ndjson"
    write_export(one, ENTRIES)
    with five.open("wb") as file:
        for _ in range(FIVEFOLD // ENTRIES):
            file.write(one.read_bytes())
    plain, scan, survey = list[float](), list[_Done](), list[_Done]()
    for _ in range(3):  # in turns: whatever else the machine does, it does to all of them
        plain.append(_timed(lambda: _one_loads_a_line(one)))
        scan.append(_in_a_process("export_error_scan", "scan_errors", one))
        survey.append(_in_a_process("export_survey", "survey", one))
    large = _in_a_process("export_error_scan", "scan_errors", five)
    large_survey = _in_a_process("export_survey", "survey", five)
    if {done.hits for done in (*scan, *survey)} != {HITS} or large.hits != HITS * 5:
        raise RuntimeError(f"the scans disagree with {HITS} hits: {scan}, {survey}, {large}")
    base, size = min(plain), one.stat().st_size / ENTRIES
    return [*_scan_figures(base, size, scan, large), *_survey_figures(base, survey, large_survey)]


def _scan_figures(base_s: float, size: float, scan: list[_Done], large: _Done) -> list[Figure]:
    """The search for 5xx compared with json.loads, and its memory."""
    best, memory = min(done.seconds for done in scan), max(done.mib for done in scan)
    return [
        Figure(
            name=f"5xx of {ENTRIES:,} entries of {size:.0f} bytes, faster than json.loads a line",
            value=base_s / best,
            limit=10.0,
            unit="x",
            beside=f"{base_s:.2f} s, ours {best:.2f} s",
            at_least=True,
        ),
        Figure(name="memory of that, every process of it", value=memory, limit=200.0, unit="MiB"),
        Figure(
            name="memory with five times as many, over that",
            value=large.mib / memory,
            limit=1.15,
            unit="x",
            beside=f"{large.mib:.0f} MiB",
        ),
    ]


def _survey_figures(base_s: float, survey: list[_Done], large: _Done) -> list[Figure]:
    """The survey of everything that an export says compared with json.loads, and its memory."""
    best, memory = min(done.seconds for done in survey), survey[0].mib
    return [
        Figure(
            name="survey of the same: counts, incidents, credentials, faster than json.loads alone",
            value=base_s / best,
            limit=2.0,
            unit="x",
            beside=f"{best:.2f} s",
            at_least=True,
        ),
        Figure(
            name="memory of the survey, and with five times as many",
            value=max(memory, large.mib),
            limit=200.0,
            unit="MiB",
            beside=f"{memory:.0f} and {large.mib:.0f} MiB",
        ),
    ]


def _timed(work: Callable[[], int]) -> float:
    begun = time.perf_counter()
    if work() != HITS:
        raise RuntimeError(f"not {HITS} hits")
    return time.perf_counter() - begun


def _one_loads_a_line(path: Path) -> int:
    with path.open("rb") as file:
        return sum(json.loads(line).get("httpRequest", {}).get("status", 0) >= 500 for line in file)


def _in_a_process(module: str, name: str, path: Path) -> _Done:
    """Read an export by a module's function."""
    script = path.with_name(f"{name}.py")
    script.write_text(IN_A_PROCESS.format(module=module, name=name))
    done = subprocess.run(
        [sys.executable, str(script), str(path)],
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        check=True,
        capture_output=True,
        text=True,
    )
    return _Done(*json.loads(done.stdout))


def write_export(path: Path, count: int) -> None:
    """Entries as the real exports have them, half of them of the request log, a hundred of these with 500."""
    chance = random.Random(7)  # noqa: S311 - the same file every time
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(an_entry(number, chance, hit=number % (count // HITS) == 0)) + "\n")


def an_entry(number: int, chance: random.Random, *, hit: bool) -> dict[str, Any]:
    """One entry; every second one is a request."""
    moment = f"{BEGUN + timedelta(milliseconds=number):%Y-%m-%dT%H:%M:%S.%f}579Z"
    entry: dict[str, Any] = {
        "insertId": f"68bda7ca{number:016x}",
        "labels": {"instanceId": INSTANCE},
        "logName": f"projects/netra-staging/logs/run.googleapis.com%2F{'stdout' if number % 2 else 'requests'}",
        "receiveTimestamp": moment,
        "resource": RESOURCE,
        "timestamp": moment,
        "trace": f"projects/netra-staging/traces/{chance.getrandbits(128):032x}",
    }
    if number % 2:
        return entry | {"jsonPayload": {"message": f"listed threads of user-{number % 977} in 12 ms", "level": "info"}}
    return entry | {
        "severity": "ERROR" if hit else "INFO",
        "spanId": f"{chance.getrandbits(64):016x}",
        "httpRequest": REQUEST | {"status": 500 if hit else 200, "userAgent": "python-httpx/0.28.1"},
    }


async def _measure_list() -> Figure:
    """60,000 entries of the twin's log API, read by us and fetched by httpx alone, in turns."""
    with _a_log_of(LISTED) as url:
        window = Window(BEGUN, BEGUN + timedelta(days=1))
        ours, theirs = [], []
        for _ in range(2):
            begun = time.perf_counter()
            async with HttpClient(url, RunIdentity("bench"), deadline_s=60) as client:
                read = await CloudLogging(GoogleApi(client, no_token), "netra-staging").read(window)
            ours.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            pages = await _fetch(url, window)
            theirs.append(time.perf_counter() - begun)
            if (read.total, read.pages) != (LISTED, pages):
                raise RuntimeError(f"read {read.total} entries in {read.pages} pages, fetched {pages} pages")
    return Figure(
        name=f"{LISTED:,} entries through entries:list over fetching the pages unread",
        value=min(ours) / min(theirs),
        limit=3.0,
        unit="x",
        beside=f"{min(ours):.2f} s, {min(theirs):.2f} s for {pages} pages",
    )


async def _fetch(url: str, window: Window) -> int:
    body: dict[str, Any] = {
        "resourceNames": ["projects/netra-staging"],
        "filter": log_filter(window, ()),
        "orderBy": "timestamp asc",
        "pageSize": PAGE,
    }
    pages = 0
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        while True:
            answer = await client.post(f"{url}/v2/entries:list", json=body)
            pages += 1
            token = answer.json().get("nextPageToken")  # where the next page is has to be looked at
            if not token:
                return pages
            body["pageToken"] = token


@contextmanager
def _a_log_of(count: int) -> Iterator[str]:
    """The twin's platform with `count` entries in its log, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="netra-bench-") as name:
        path = Path(name) / "log.ndjson"
        write_export(path, count)
        port = free_ports(1)[0]
        with subprocess.Popen([sys.executable, "-m", "bench.log_server", str(path), str(port)]) as process:
            try:
                _await_port(port, 30.0)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def _await_port(port: int, limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
