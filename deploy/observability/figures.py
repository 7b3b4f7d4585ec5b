#!/usr/bin/env python3
"""Serves the figures of the newest run of a target and phase to Prometheus: `/<target>/<phase>`.

Reads the suite's report folder and writes nothing. A phase without a finished run is 404, so its `up` is 0. Needs
only Python: the container has no packages.
"""

import argparse
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
ROUTE = re.compile(r"/(?P<target>[A-Za-z0-9][\w.-]*)/(?P<phase>[a-z]+)")
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")


def newest(reports: Path, target: str, phase: str) -> Path | None:
    """The figures of the newest finished run; None if there is none."""
    folder = reports / target
    runs = sorted((one for one in folder.glob("*") if RUN_ID.fullmatch(one.name)), reverse=True)
    return next((one / "metrics.openmetrics" for one in runs if _is_of(one, phase)), None)


def _is_of(run: Path, phase: str) -> bool:
    """Whether a run belongs to the phase, has finished and has written its figures; a damaged one does not count."""
    try:
        document = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return (run / "metrics.openmetrics").is_file() and isinstance(document, dict) and document.get("phase") == phase


class Handler(BaseHTTPRequestHandler):
    """Answers GET; anything else is the library's 501."""

    reports: Path

    def do_GET(self) -> None:
        """Serve the figures, and `/healthy`."""
        if self.path == "/healthy":
            self._answer(200, b"ok\n", "text/plain")
            return
        match = ROUTE.fullmatch(self.path)
        found = newest(self.reports, match["target"], match["phase"]) if match else None
        if found is None:
            self._answer(404, b"no finished run of this target and phase\n", "text/plain")
        else:
            self._answer(200, found.read_bytes(), CONTENT_TYPE)

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Do not log scrapes."""


def main() -> None:
    """Serve until killed; the first line printed has the address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9120, help="0: any free one")
    options = parser.parse_args()
    handler = type("Bound", (Handler,), {"reports": options.reports})
    with ThreadingHTTPServer((options.host, options.port), handler) as server:
        print(f"figures of {options.reports} on {options.host}:{server.server_address[1]}", flush=True)  # noqa: T201 - a script's own output
        server.serve_forever()


if __name__ == "__main__":
    main()
