"""A real Prometheus on loopback, for as long as a test needs it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gate.verdict_document import Document, encode
from tests.deploy.observability.promql import STACK
from tests.system.waiting import HANGS_S, until
from twin.ports import free_ports

BINARY = shutil.which("prometheus")
with_prometheus = pytest.mark.skipif(BINARY is None, reason="prometheus is not installed (Debian: prometheus)")


@contextmanager
def prometheus(config: dict[str, Any], folder: Path) -> Iterator[httpx.Client]:
    """Run Prometheus with a configuration, its data in `folder`; yields a client of its API."""
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    (port,) = free_ports(1)
    words = [
        str(BINARY),
        f"--config.file={path}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    log = folder / "prometheus.log"
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client,
    ):
        try:
            until(lambda: _is_ready(process, client, log), "Prometheus did not become ready")
            yield client
        finally:
            process.terminate()
            process.wait(timeout=HANGS_S)


def _is_ready(process: subprocess.Popen[bytes], client: httpx.Client, log: Path) -> bool:
    assert process.poll() is None, log.read_text(encoding="utf-8")
    try:
        return client.get("/-/ready").is_success
    except httpx.HTTPError:
        return False


def ask(client: httpx.Client, query: str) -> list[dict[str, Any]]:
    """The result of an instant query."""
    answer = client.get("/api/v1/query", params={"query": query})
    body = answer.json()
    assert body["status"] == "success", f"{query}: {body}"
    found: list[dict[str, Any]] = body["data"]["result"]
    return found


@contextmanager
def figures(reports: Path) -> Iterator[str]:
    """The stack's own server of figures over a report folder; yields its host and port."""
    process = subprocess.Popen(
        [sys.executable, STACK / "figures.py", f"--reports={reports}", "--port=0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.communicate(timeout=HANGS_S)


def keep_run(reports: Path, document: Document, text: str) -> Path:
    """Write what `figures` reads of a run, as the suite does."""
    folder = reports / document.target / document.run_id
    folder.mkdir(parents=True)
    (folder / "verdict.json").write_bytes(encode(document))
    (folder / "metrics.openmetrics").write_text(text, encoding="utf-8")
    return folder
