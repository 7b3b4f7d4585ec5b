"""`observability.prometheus` against a real Prometheus that scrapes the twin: green, red, and neither."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest

from targets.profiles import load_required
from tests.catalogue import declared_checks
from tests.deploy.observability.prometheus_server import ask, prometheus, with_prometheus
from tests.loopback import Quiet, answering_with
from tests.prove.expectations import elsewhere, load
from tests.prove.worker import TARGETS
from tests.system.running import ROOT, run, twin_up, verdict_in
from tests.system.waiting import until
from twin.switching.registry import declared

CHECK = "observability.prometheus"
RED = elsewhere()[CHECK]["turned_by"]
pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Scraped:
    """A twin and the Prometheus that scrapes it."""

    addresses: Path
    backend: str
    control: str
    server: httpx.Client

    def row(self, folder: Path, **environment: str) -> dict[str, Any]:
        """Run the check alone; its row of the verdict."""
        told = {"NETRA_ADDRESSES": str(self.addresses), "NETRA_PROMETHEUS__URL": str(self.server.base_url)}
        told |= {f"NETRA_{key}": value for key, value in environment.items()}
        code, said = run(
            "pytest",
            "--target=prove",
            f"--targets-dir={TARGETS}",
            f"--report-dir={folder}",
            "--quick",
            "--verdict-only",
            "-k",
            "prometheus",
            env=told,
        )
        assert "Traceback" not in said
        document = verdict_in(folder)
        (row,) = [one for one in document["checks"] if one["id"] == CHECK]
        return {**row, "exit_code": code}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    folder = tmp_path_factory.mktemp("scraped")
    with twin_up(folder) as told:
        backend = told["backend"]["url"]
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "800ms"},
            "scrape_configs": [
                {"job_name": "netra-backend", "static_configs": [{"targets": [backend.removeprefix("http://")]}]}
            ],
        }
        with prometheus(config, folder) as server:
            until(lambda: bool(ask(server, "http_requests_total")), "the twin was not scraped")
            yield Scraped(folder / "addresses.json", backend, told["twin"]["control_url"], server)


@with_prometheus
def test_the_healthy_twin_is_green_and_says_what_was_counted(scraped: Scraped, tmp_path: Path) -> None:
    row = scraped.row(tmp_path)
    assert row["outcome"] == "PASSED", row["reason"]
    assert row["required"] is True
    (figure,) = row["figures"]
    assert (figure["value"], figure["limit"]) == (0, 0)
    assert figure["n"] >= 5


@with_prometheus
def test_an_access_token_is_sent_and_reaches_no_file(scraped: Scraped, tmp_path: Path) -> None:
    with standing_in(200) as (url, heard):
        row = scraped.row(
            tmp_path, PROMETHEUS__URL=url, PROMETHEUS__CREDENTIALS="token", PROMETHEUS__ACCESS_TOKEN="s3cret-of-ours"
        )
    assert heard
    assert set(heard) == {"Bearer s3cret-of-ours"}
    assert row["outcome"] == "BROKEN"
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "s3cret" in path.read_text(errors="replace")]


@with_prometheus
@pytest.mark.parametrize(
    "environment,said",
    [
        ({"PROMETHEUS__JOB": "no-such-job"}, "scrapes no job 'no-such-job'"),
        ({"PROMETHEUS__URL": "http://127.0.0.1:9"}, "ConnectError"),
        ({"CONTRACT__METRICS__REQUESTS_COUNTER": "up"}, "counts 0 more"),
        ({"CONTRACT__METRICS__REQUESTS_COUNTER": "http requests"}, "parse error"),
    ],
)
def test_what_can_not_be_asked_is_broken_and_never_zero(
    scraped: Scraped, tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    row = scraped.row(tmp_path, **environment)
    assert row["outcome"] == "BROKEN"
    assert said in row["reason"]


@with_prometheus
@pytest.mark.parametrize("status,said", [(401, "no access"), (404, "not a Prometheus")])
def test_a_refusal_names_the_status_and_where_to_look(scraped: Scraped, tmp_path: Path, status: int, said: str) -> None:
    with standing_in(status) as (url, _):
        row = scraped.row(tmp_path, PROMETHEUS__URL=url)
    assert row["outcome"] == "BROKEN"
    assert f"status {status}" in row["reason"]
    assert said in row["reason"]


def test_without_a_prometheus_it_is_listed_and_not_asked_for(tmp_path: Path) -> None:
    code, _ = run("pytest", "--target=export", f"--report-dir={tmp_path}", "--verdict-only", "-k", "prometheus")
    (row,) = [one for one in verdict_in(tmp_path)["checks"] if one["id"] == CHECK]
    assert (row["outcome"], row["required"]) == ("NOT_APPLICABLE", False)
    assert "NETRA_PROMETHEUS__URL" in row["reason"]
    assert code == 10


@with_prometheus
@pytest.mark.parametrize("fault", RED)
def test_a_fault_turns_it_red(scraped: Scraped, tmp_path: Path, fault: str) -> None:
    """The twin's faults, one at a time. They come last here: a counter keeps what it has counted."""
    httpx.put(f"{scraped.control}/faults/{fault}").raise_for_status()
    try:
        httpx.get(f"{scraped.backend}/health/detailed")
        row = _after_two_scrapes(scraped, tmp_path)
    finally:
        httpx.delete(f"{scraped.control}/faults/{fault}").raise_for_status()
    assert row["outcome"] == "FAILED", row["reason"]
    assert row["exit_code"] == 1
    if fault == "health.answers-503":
        assert "1 x 503 on /health/detailed" in row["actual"]
    if fault == "observability.metrics-absent":
        assert "1 of 1 are down" in row["actual"]


def _after_two_scrapes(scraped: Scraped, folder: Path) -> dict[str, Any]:
    def last() -> float:
        return float(ask(scraped.server, 'timestamp(up{job="netra-backend"})')[0]["value"][1])

    begun = last()
    until(lambda: last() >= begun + 2, "no further scrape")
    return scraped.row(folder)


@contextmanager
def standing_in(status: int) -> Iterator[tuple[str, list[str]]]:
    """Something else in Prometheus' place: answers `{}` with a status, and keeps the Authorization that it was sent."""
    heard: list[str] = []

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers.get("Authorization", ""))
            body = json.dumps({}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with answering_with(Handler) as url:
        yield url, heard


# --- what is proved elsewhere is declared, has its test, and its faults exist


END_THE_RUN = {"target.reachable"}  # red, it leaves nothing else to look at: no row of the table could name it


@pytest.mark.parametrize("check", elsewhere())
def test_what_is_proved_elsewhere_is_a_check_that_the_twin_alone_can_not_be_asked_about(check: str) -> None:
    (one,) = [one for one in declared_checks() if one.id == check]
    assert (check in load_required("full", one.phase)) == (check in END_THE_RUN)
    assert check in load_required("full", one.phase, offers=one.needs)
    assert (ROOT / elsewhere()[check]["test"]).is_file()
    assert set(elsewhere()[check]["turned_by"]) <= declared().keys() & load().keys()
