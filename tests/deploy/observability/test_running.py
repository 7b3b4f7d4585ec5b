"""A real Prometheus, configured as in deploy/, scrapes the twin and a run: every panel has something to show."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from msgspec.structs import replace

from gate.outcomes import Outcome, Verdict
from gate.report.checklist import answered
from gate.report.openmetrics import CONTENT_TYPE, render_openmetrics
from gate.verdict_document import Document
from tests.deploy.observability.prometheus_server import ask, figures, keep_run, prometheus, with_prometheus
from tests.deploy.observability.promql import PROMETHEUS
from tests.deploy.observability.test_stack import queries
from tests.gate.documents import make_document
from tests.system.running import twin_up
from tests.system.waiting import until


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """A NO-GO of staging: one check failed, and the ones with figures passed."""
    outcomes = {"auth.latency": Outcome.PASSED, "logs.canary": Outcome.PASSED, "threads.order": Outcome.FAILED}
    return replace(make_document(tmp_path_factory.mktemp("document"), outcomes), target="staging")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, document: Document) -> Path:
    """A report folder with that run, an older one, and one that was killed before it wrote its figures."""
    folder = tmp_path_factory.mktemp("reports")
    older = replace(document, run_id="20200101T000000Z-aaaaaa", verdict=Verdict.GO, exit_code=0)
    killed = replace(document, run_id="29990101T000000Z-ffffff")
    keep_run(folder, older, render_openmetrics(answered(older)))
    keep_run(folder, document, render_openmetrics(answered(document)))
    (keep_run(folder, killed, "") / "metrics.openmetrics").unlink()
    return folder


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The twin's backend, asked a few times; one of its answers was a 503."""
    with twin_up(tmp_path_factory.mktemp("twin")) as addresses:
        url, control = addresses["backend"]["url"], addresses["twin"]["control_url"]
        httpx.put(f"{control}/faults/health.answers-503").raise_for_status()
        assert httpx.get(f"{url}/health/detailed").status_code == 503
        httpx.delete(f"{control}/faults/health.answers-503").raise_for_status()
        assert httpx.get(f"{url}/health").status_code == 200
        yield url.removeprefix("http://")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, backend: str, reports: Path) -> Iterator[httpx.Client]:
    """Prometheus with the configuration of deploy/: the places are local, and everything is asked more often."""
    folder = tmp_path_factory.mktemp("prometheus")
    shutil.copy(PROMETHEUS / "rules.yml", folder)
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "400ms", "evaluation_interval": "500ms"}
    del config["alerting"]  # here no one is notified, and no name is looked up
    of_backend, of_suite = config["scrape_configs"]
    of_backend["scheme"] = "http"
    of_backend["static_configs"][0]["targets"] = [backend]
    of_suite["scrape_interval"] = "500ms"
    with figures(reports) as place:
        for one in of_suite["static_configs"]:
            one["targets"] = [place]
        with prometheus(config, folder) as client:
            yield client


@with_prometheus
@pytest.mark.parametrize("where", queries())
def test_every_query_finds_something(server: httpx.Client, where: str, backend: str) -> None:
    query = queries()[where].replace("$target", "staging").replace("$phase", "smoke")

    def found() -> bool:
        httpx.get(f"http://{backend}/health")
        return bool(ask(server, query))

    if where in {
        "rule NetraBackendDown",
        "rule NetraRequestCounterMissing",
        "rule NetraDayRunsStopped",
        "rule NetraInconclusive",
        "rule NetraAuthLatencyNearLimit",
    }:
        assert not found()  # healthy in this respect; that they fire is shown by their tests
    else:
        until(found, f"nothing answers {query}")


@with_prometheus
def test_the_alerts_of_this_state_fire_and_no_rule_is_broken(server: httpx.Client) -> None:
    def firing() -> set[str]:
        alerts = server.get("/api/v1/alerts").json()["data"]["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}

    expected = {"NetraServerErrors", "NetraNoGo", "NetraRequiredCaseFailed"}
    until(lambda: firing() >= expected, f"not all of {expected} fire")
    assert firing() == expected
    groups = server.get("/api/v1/rules").json()["data"]["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}


@with_prometheus
def test_the_newest_finished_run_is_scraped_and_phases_without_one_are_down(
    server: httpx.Client, document: Document
) -> None:
    until(lambda: bool(ask(server, "netra_verify_run_info")), "no run was scraped")
    (info,) = ask(server, "netra_verify_run_info")
    assert info["metric"]["run_id"] == document.run_id
    assert info["metric"]["target"] == "staging"
    up = {one["metric"]["run"]: one["value"][1] for one in ask(server, 'up{job="netra-verify"}')}
    assert up == {"staging-smoke": "1", "staging-soak": "0", "staging-day": "0", "staging-gate": "0"}


def test_the_figures_come_as_what_they_are_and_nothing_else_is_served(reports: Path) -> None:
    with figures(reports) as place:
        answer = httpx.get(f"http://{place}/staging/smoke")
        assert (answer.status_code, answer.headers["content-type"]) == (200, CONTENT_TYPE)
        assert answer.text.endswith("# EOF\n")
        for path in (
            "/staging/day",
            "/nobody/smoke",
            "/",
            "/staging/smoke/../verdict.json",
            "/%2e%2e/smoke",
            "/..%2f/smoke",
        ):
            assert httpx.get(f"http://{place}{path}").status_code == 404, path
        assert httpx.post(f"http://{place}/staging/smoke").status_code == 501
        assert httpx.get(f"http://{place}/healthy").text == "ok\n"
