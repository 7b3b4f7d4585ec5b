"""Which metrics and labels a PromQL expression names, and which there are."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as text_to_families

from gate.outcomes import Outcome
from gate.report.checklist import answered
from gate.report.openmetrics import render_openmetrics
from tests.gate.documents import make_document
from tests.system.running import ROOT
from twin.backend.seams import Metrics

STACK = ROOT / "deploy/observability"
PROMETHEUS = STACK / "prometheus"
DASHBOARD = STACK / "grafana/dashboards/netra.json"
OF_A_TARGET = frozenset({"job", "instance", "environment", "run"})
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"(?P<name>[A-Za-z_:][\w:]*)\s*(?:\{(?P<matchers>[^}]*)\})?(?P<call>\s*\()?")
WORDS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan", "s", "m", "h", "d"})


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric that an expression asks for, and the labels by which it chooses."""

    metric: str
    labels: frozenset[str]


def selectors(expression: str) -> list[Selector]:
    """Every selector of an expression: not its functions, groupings, durations or strings."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    text = GROUPING.sub(" ", re.sub(r"\[[^\]]*\]", "", text))
    found = []
    for match in SELECTOR.finditer(text):
        if match["call"] or match["name"] in WORDS or re.search(r"[\d.]$", text[: match.start()]):
            continue
        labels = re.findall(r"([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)", match["matchers"] or "")
        found.append(Selector(match["name"], frozenset(labels)))
    return found


def grouped_by(expression: str) -> set[str]:
    """The labels by which an expression groups or joins."""
    return {one.strip() for inner in GROUPING.findall(expression) for one in inner.split(",") if one.strip()}


def known(folder: Path) -> dict[str, frozenset[str]]:
    """Every metric that is scraped or recorded, with its labels; `folder` is for a verdict of the gate's own making."""
    metrics = Metrics()
    metrics.count("GET", "/api/threads", 200, 0.1)
    there: dict[str, frozenset[str]] = {"up": OF_A_TARGET}
    document = make_document(folder, {"auth.latency": Outcome.PASSED, "logs.canary": Outcome.FAILED})
    families = [
        *text_to_families(bytes(metrics.expose().body).decode()),
        *text_string_to_metric_families(render_openmetrics(answered(document))),
    ]
    for family in families:
        for sample in family.samples:
            there[sample.name] = there.get(sample.name, OF_A_TARGET) | sample.labels.keys()
    for rule in rules():
        if "record" in rule:
            there[rule["record"]] = frozenset(grouped_by(rule["expr"]))
    return there


def rules() -> list[dict[str, Any]]:
    """Every rule, recording and alerting."""
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]
