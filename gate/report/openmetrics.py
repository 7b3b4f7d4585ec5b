"""The verdict's figures as OpenMetrics text: for a scrape of the last run, an archive or an alert."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric, StateSetMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from gate.outcomes import Outcome, Verdict
from gate.report.checklist import BOUNDED, NOT_RUN, OWED, PROVED, Report, answered
from gate.verdict_document import SCHEMA_VERSION, Document

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PREFIX = "netra_verify"
RUN = ("target", "phase")  # labels of every sample, which keep targets and phases apart
CASE = (*RUN, "check", "case")
FIGURE = (*CASE, "rule", "unit")


def render_openmetrics(report: Report) -> str:
    """Render the run, its verdict, its success metrics, every case and every figure. Ends with `# EOF`.

    Samples carry no timestamps: `netra_verify_ended_timestamp_seconds` says how old they are.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(report))
    text: bytes = generate_latest(registry)
    return text.decode()


def names() -> frozenset[str]:
    """Every family that a run can export, for checking queries."""
    return frozenset(family.name for family in _Families(answered(_EMPTY)).collect())


class _Families(Collector):
    """The families of one document."""

    def __init__(self, report: Report) -> None:
        self._document = report.document
        self._metrics = report.metrics
        self._run = [report.document.target, report.document.phase]

    def collect(self) -> Iterator[Metric]:
        """Every family, also those without a sample."""
        yield self._information()
        yield from self._summary()
        yield from self._cases()
        yield from self._figures()

    def _information(self) -> Metric:
        keys = ("run_id", "environment", "profile", "revision")
        info = InfoMetricFamily(f"{PREFIX}_run", "The run and the revision that it judged", labels=RUN)
        info.add_metric(self._run, {key: getattr(self._document, key) for key in keys})
        return info

    def _summary(self) -> Iterator[Metric]:
        document = self._document
        verdict = StateSetMetricFamily(f"{PREFIX}_verdict", "The run's verdict", labels=RUN)
        verdict.add_metric(self._run, {str(one): one == document.verdict for one in Verdict})
        yield verdict
        begun, ended = (datetime.fromisoformat(moment).timestamp() for moment in (document.started, document.ended))
        yield self._one("exit_code", "The run's exit code: 0 GO, 1 NO-GO, 10 INCONCLUSIVE", document.exit_code)
        yield self._one("started_timestamp_seconds", "When the run began", begun, "seconds")
        yield self._one("ended_timestamp_seconds", "When the run ended", ended, "seconds")
        yield self._one("missing_cases", "Required cases that did not run", len(document.missing))
        cases = GaugeMetricFamily(f"{PREFIX}_cases", "Cases by outcome", labels=(*RUN, "outcome"))
        for outcome in Outcome:
            cases.add_metric([*self._run, str(outcome)], document.counts.get(outcome, 0))
        yield cases
        success = StateSetMetricFamily(
            f"{PREFIX}_success_metric", "The report's success metrics", labels=(*RUN, "metric")
        )
        for answer in self._metrics:
            states = [*map(str, Outcome), BOUNDED, OWED, PROVED, NOT_RUN]
            success.add_metric([*self._run, answer.key], {one: one == answer.outcome for one in states})
        yield success

    def _one(self, name: str, text: str, value: float, unit: str = "") -> Metric:
        family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=RUN, unit=unit)
        family.add_metric(self._run, value)
        return family

    def _cases(self) -> Iterator[Metric]:
        labels = (*CASE, "family", "required", "outcome")
        passed = GaugeMetricFamily(f"{PREFIX}_case_passed", "1 for a case that passed, else 0", labels=labels)
        lasted = GaugeMetricFamily(
            f"{PREFIX}_case_duration_seconds", "How long a case took", labels=CASE, unit="seconds"
        )
        for row in self._document.checks:
            case = [*self._run, row.id, row.case]
            about = [row.family, str(row.required).lower(), row.outcome]
            passed.add_metric([*case, *about], row.outcome == Outcome.PASSED)
            lasted.add_metric(case, row.duration_s)
        yield passed
        yield lasted

    def _figures(self) -> Iterator[Metric]:
        exported = {
            "value": ("figure", "A figure that a case measured, in its unit"),
            "limit": ("figure_limit", "The limit that a figure was compared with"),
            "n": ("figure_samples", "The sample size of a figure"),
            "confidence": ("figure_confidence_ratio", "The confidence that a figure states"),
        }
        for key, (name, text) in exported.items():
            family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=FIGURE)
            for row in self._document.checks:
                for figure in row.figures:
                    value = getattr(figure, key)
                    if value is not None:
                        about = [row.id, row.case, figure.rule, figure.unit]
                        family.add_metric([*self._run, *about], value)
            yield family


_EMPTY = Document(
    schema_version=SCHEMA_VERSION,
    run_id="",
    target="",
    environment="",
    profile="",
    revision="",
    phase="smoke",
    quick=False,
    overrides=[],
    verdict=Verdict.INCONCLUSIVE,
    exit_code=10,
    reason="",
    started="1970-01-01T00:00:00Z",
    ended="1970-01-01T00:00:00Z",
    release={},
    counts={},
    missing=[],
    residue=0,
    interrupted="",
    notes=[],
    doubts=[],
    known_failures=[],
    changes=None,
    gate=None,
    seal=None,
    causes=[],
    checks=[],
)
