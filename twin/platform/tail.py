"""What the containers print becomes log entries: JSON lines in parts, everything else as text without severity."""

import asyncio
import json
from itertools import count
from pathlib import Path
from typing import Any

from twin.platform.state import Platform

POLL_S = 0.02
LOOK_EVERY = 10  # polls: new processes are looked for more rarely, as a look through the folders costs more than a poll
TRACE_KEY = "logging.googleapis.com/trace"


class Tail:
    """Follows every `<log_dir>/<service>/<revision>/std{out,err}.log`."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._read: dict[Path, int] = {}

    async def follow(self) -> None:
        """Read what is new, again and again, until cancelled."""
        paths: list[Path] = []
        for poll in count():
            if poll % LOOK_EVERY == 0:
                paths = list(self._platform.log_dir.glob("*/*/std*.log"))
            for path in paths:
                self._take(path)
            await asyncio.sleep(POLL_S)

    def _take(self, path: Path) -> None:
        begin = self._read.get(path, 0)
        if path.stat().st_size <= begin:
            return
        with path.open("rb") as file:
            file.seek(begin)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]  # a line that is still being written waits
        self._read[path] = begin + len(whole)
        for line in whole.decode(errors="replace").splitlines():
            if line.strip():
                self._platform.log(self._entry(path, line))

    def _entry(self, path: Path, line: str) -> dict[str, Any]:
        revision, service = path.parent.name, self._platform.services[path.parent.parent.name]
        entry: dict[str, Any] = {
            "logName": f"projects/{self._platform.project}/logs/run.googleapis.com%2F{path.stem}",
            "resource": self._platform.resource(service, revision),
            "labels": {"instanceId": service.instance},
        }
        payload = _json_object(line)
        if payload is None:
            return entry | {"textPayload": line}
        if "severity" in payload:
            entry["severity"] = payload.pop("severity")
        if TRACE_KEY in payload:
            entry["trace"] = payload.pop(TRACE_KEY)
        return entry | {"jsonPayload": payload}


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
