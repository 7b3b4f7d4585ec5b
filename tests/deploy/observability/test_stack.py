"""The observability stack: pinned, closed, without a password, and asking only for what there is."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.deploy.observability.promql import (
    DASHBOARD,
    PROMETHEUS,
    STACK,
    Selector,
    grouped_by,
    known,
    rules,
    selectors,
)
from tests.system.running import ROOT
from tests.system.waiting import HANGS_S

COMPOSE = STACK / "compose.yaml"
PROMTOOL = shutil.which("promtool")
with_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def services() -> dict[str, Any]:
    found: dict[str, Any] = read(COMPOSE)["services"]
    return found


def tool(*words: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        words, cwd=cwd, text=True, check=False, timeout=HANGS_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


# --- the compose file


def test_the_compose_file_fits_the_specification() -> None:
    tool(Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


def test_every_image_is_pinned_by_version_and_digest() -> None:
    images = [one["image"] for one in services().values()]
    assert len(images) == 5
    assert not [one for one in images if not re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}", one)]


def test_the_python_is_that_of_our_own_container() -> None:
    base = re.search(r"ARG BASE=(\S+)", (ROOT / "deploy/container/Dockerfile").read_text(encoding="utf-8"))
    assert base is not None
    assert services()["figures"]["image"] == base[1]


@pytest.mark.parametrize("name", services())
def test_a_service_listens_on_loopback_alone_and_may_little(name: str) -> None:
    one = services()[name]
    assert all(port.startswith("127.0.0.1:") for port in one.get("ports", []))
    assert (one["read_only"], one["cap_drop"], one["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert one["mem_limit"]


def keys(value: object) -> Iterator[tuple[str, object]]:
    """Every key of nested mappings and lists, with its value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key), inner
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_no_file_holds_a_password() -> None:
    secret = re.compile(r"(?i)password|secret|token|api_?key|credential")
    files = [path for suffix in ("yaml", "yml", "json") for path in STACK.rglob(f"*.{suffix}")]
    found = {key: value for path in files for key, value in keys(read(path)) if secret.search(key)}
    from_environment = {
        name: {"environment": name.upper()}
        for name in ("grafana_admin_password", "release_alerts_url", "hourly_day_alerts_url")
    }
    assert found == {
        "GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/grafana_admin_password",
        "secrets": from_environment,
        "grafana_admin_password": from_environment["grafana_admin_password"],
    }
    assert services()["grafana"]["secrets"] == ["grafana_admin_password"]


def test_what_is_mounted_is_there_and_read_only() -> None:
    mounts = [mount.rsplit(":", 2) for one in services().values() for mount in one.get("volumes", [])]
    ours = [mount for mount in mounts if mount[0].startswith("./")]
    assert ours
    assert all((STACK / source).exists() and mode == "ro" for source, _, mode in ours)


# --- Prometheus: configuration and rules


@with_promtool
def test_prometheus_takes_the_configuration() -> None:
    assert "SUCCESS" in tool(str(PROMTOOL), "check", "config", PROMETHEUS / "prometheus.yml")


@with_promtool
def test_every_rule_does_what_its_test_says() -> None:
    assert "SUCCESS" in tool(str(PROMTOOL), "test", "rules", "rules_test.yml", cwd=PROMETHEUS)


def test_every_alert_is_shown_to_fire_and_to_stay_silent() -> None:
    shown = [one for test in read(PROMETHEUS / "rules_test.yml")["tests"] for one in test.get("alert_rule_test", [])]
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    assert {one["alertname"] for one in shown if one.get("exp_alerts")} == alerts
    silent = {one["alertname"] for one in shown if not one.get("exp_alerts")}
    assert silent >= alerts - {"NetraNoGo", "NetraRequiredCaseFailed"}  # shown silent by the labels of their one alert


def test_every_alert_says_where_to_read_on() -> None:
    for rule in rules():
        if "alert" in rule:
            place = re.split(r"[,:]", rule["annotations"]["runbook"])[0]
            assert (ROOT / place).is_file(), rule["alert"]
            assert rule["labels"]["severity"] in {"critical", "warning"}


def test_the_backend_that_is_scraped_is_that_of_the_target() -> None:
    backend, verify = read(PROMETHEUS / "prometheus.yml")["scrape_configs"]
    target = tomllib.loads((ROOT / "targets/staging.toml").read_text(encoding="utf-8"))
    contract = tomllib.loads((ROOT / "targets/contract.toml").read_text(encoding="utf-8"))
    url = urlsplit(target["backend"]["url"])
    assert (backend["scheme"], backend["static_configs"][0]["targets"]) == (url.scheme, [url.hostname])
    assert backend["metrics_path"] == contract["paths"]["metrics"]
    phases = [one["labels"]["__metrics_path__"] for one in verify["static_configs"]]
    assert phases == [f"/staging/{phase}" for phase in ("smoke", "soak", "day", "gate")]


# --- queries: only what there is


def dashboard() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return content


def queries() -> dict[str, str]:
    """Every query of the dashboard and of the rules, by where it stands."""
    panels = {
        f"panel {one['title']} {target['refId']}": target["expr"]
        for one in dashboard()["panels"]
        for target in one.get("targets", [])
    }
    return panels | {f"rule {one.get('record') or one['alert']}": one["expr"] for one in rules()}


@pytest.mark.parametrize("where", queries())
def test_a_query_names_only_metrics_and_labels_that_exist(where: str, tmp_path: Path) -> None:
    there, expression = known(tmp_path), queries()[where]
    found = selectors(expression)
    assert found
    unknown = [one for one in found if one.metric not in there or not one.labels <= there[one.metric]]
    assert not unknown
    assert grouped_by(expression) <= frozenset().union(*(there[one.metric] for one in found))


@pytest.mark.parametrize(
    "expression,expected",
    [
        ("rate(a_total[5m])", [Selector("a_total", frozenset())]),
        ('sum by (le, route) (rate(b_bucket{x="}",y=~"z|\\"w"}[5m]))', [Selector("b_bucket", frozenset({"x", "y"}))]),
        (
            "up == 1 unless on (instance) c:d:e offset 10m",
            [Selector("up", frozenset()), Selector("c:d:e", frozenset())],
        ),
        ("time() - f > 3 * 3600", [Selector("f", frozenset())]),
    ],
)
def test_the_reader_of_queries_finds_every_selector(expression: str, expected: list[Selector]) -> None:
    assert selectors(expression) == expected


def test_the_dashboard_is_whole() -> None:
    content = dashboard()
    panels = content["panels"]
    assert len({one["id"] for one in panels}) == len(panels)
    datasources = read(STACK / "grafana/provisioning/datasources/datasources.yaml")["datasources"]
    assert {one["datasource"]["uid"] for one in panels if "datasource" in one} <= {one["uid"] for one in datasources}
    declared = {one["name"] for one in content["templating"]["list"]}
    assert set(re.findall(r"\$(\w+)", json.dumps(panels))) == declared
    assert all(one["description"] for one in panels if one["type"] != "row")
    cells = [
        (column, line)
        for one in panels
        for column in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
        for line in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)), "panels lie over one another"
    assert max(column for column, _ in cells) < 24


def test_the_provisioned_folders_are_the_mounted_ones() -> None:
    (provider,) = read(STACK / "grafana/provisioning/dashboards/dashboards.yaml")["providers"]
    mounted = [mount.split(":")[1] for mount in services()["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted
    assert "/etc/grafana/provisioning" in mounted
    hosts = {
        urlsplit(one["url"]).hostname
        for one in read(STACK / "grafana/provisioning/datasources/datasources.yaml")["datasources"]
    }
    assert hosts <= services().keys()
