"""The Alertmanager of the stack: every alert has a receiver, the hourly day has its own, and Prometheus finds it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

STACK = Path(__file__).resolve().parents[3] / "deploy/observability"
MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')


def read(path: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((STACK / path).read_text(encoding="utf-8"))
    return document


CONFIG = read("alertmanager/alertmanager.yml")
ALERTS = [
    rule["alert"] for group in read("prometheus/rules.yml")["groups"] for rule in group["rules"] if "alert" in rule
]


def matches(matchers: list[str], labels: Mapping[str, str]) -> bool:
    """As Alertmanager reads them: all of them, regular expressions anchored, an absent label is an empty one."""
    parsed = [found for one in matchers if (found := MATCHER.fullmatch(one))]
    assert len(parsed) == len(matchers), "a matcher that this test can't read"
    return all(
        re.fullmatch(value, labels.get(name, "")) is not None if how == "=~" else labels.get(name, "") == value
        for name, how, value in (one.groups() for one in parsed)
    )


def receiver(labels: Mapping[str, str]) -> str:
    route = CONFIG["route"]
    found = next((one for one in route["routes"] if matches(one["matchers"], labels)), route)
    return str(found["receiver"])


@pytest.mark.parametrize("alert", ALERTS)
@pytest.mark.parametrize("phase", ["smoke", "soak", "day", "gate", ""])
def test_every_alert_has_a_receiver_that_exists(alert: str, phase: str) -> None:
    labels = {"alertname": alert, "target": "staging"} | ({"phase": phase} if phase else {})
    assert receiver(labels) in {one["name"] for one in CONFIG["receivers"]}


@pytest.mark.parametrize("alert", ["NetraNoGo", "NetraRequiredCaseFailed", "NetraDayRunsStopped"])
def test_the_hourly_day_has_a_route_of_its_own(alert: str) -> None:
    assert alert in ALERTS
    assert receiver({"alertname": alert, "target": "staging", "phase": "day"}) == "hourly-day"
    assert receiver({"alertname": alert, "target": "staging", "phase": "smoke"}) == "release"


def test_no_address_stands_in_the_file() -> None:
    assert all("url_file" in hook for one in CONFIG["receivers"] for hook in one["webhook_configs"])
    assert "://" not in (STACK / "alertmanager/alertmanager.yml").read_text(encoding="utf-8")


def test_the_stack_hands_it_every_address_that_it_reads() -> None:
    given = read("compose.yaml")["services"]["alertmanager"]["secrets"]
    hooks = [hook for one in CONFIG["receivers"] for hook in one["webhook_configs"]]
    assert [hook["url_file"] for hook in hooks] == [f"/run/secrets/{name}" for name in given]


def test_prometheus_finds_it_by_the_name_and_port_that_it_has_in_the_stack() -> None:
    stack = read("compose.yaml")["services"]
    (found,) = read("prometheus/prometheus.yml")["alerting"]["alertmanagers"][0]["dns_sd_configs"]
    assert found["names"] == ["alertmanager"]
    assert stack["alertmanager"]["ports"] == [f"127.0.0.1:{found['port']}:{found['port']}"]


def test_the_stack_is_up_without_it_where_nobody_is_to_be_informed() -> None:
    assert read("compose.yaml")["services"]["alertmanager"]["profiles"] == ["alerts"]
