"""What one case records: figures, evidence, accruals, traces, the server's log lines, plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NotRequired, TypedDict, Unpack

from gate.figures import Accrual, Figure, Number, ServerLine, Trace, make_figure
from gate.moments import rfc3339
from gate.plots import Plot
from gate.strict_json import JSON, plain

HOUR_S = 3600.0


class RowParts(TypedDict):
    """The parts of a verdict's row that the recorder owns."""

    figures: list[Figure]
    evidence: dict[str, JSON]
    accruals: list[Accrual]
    traces: list[Trace]
    curl: list[str]
    server_lines: list[ServerLine]
    plots: list[Plot]


class Contribution(TypedDict):
    """The fields of an `Accrual` that a case states as they are."""

    need_s: float
    proved: bool
    events: int
    n: int
    hours: NotRequired[float]
    hour_s: NotRequired[float]
    group: NotRequired[str]
    shard: NotRequired[int]
    shards: NotRequired[int]


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Collects the evidence of one case while it runs. Later figures of one rule replace earlier ones."""

    failed: bool = False
    lines_since: datetime | None = None  # if the traces' log lines may be older than the case
    _figures: dict[str, Figure] = field(default_factory=dict)
    _evidence: dict[str, JSON] = field(default_factory=dict)
    _accruals: list[Accrual] = field(default_factory=list)
    _traces: dict[str, str] = field(default_factory=dict)
    _curls: list[str] = field(default_factory=list)
    _lines: list[ServerLine] = field(default_factory=list)
    _plots: list[Plot] = field(default_factory=list)

    def figures(
        self,
        *,
        rule: str,
        n: int | None = None,
        value: float | None = None,
        unit: str = "",
        limit: float | None = None,
        confidence: float | None = None,
        window: str | None = None,
        **extra: JSON,
    ) -> None:
        """State a measurement: its rule, sample size, value, limit, confidence and window."""
        stated: dict[str, Number | str | None] = {
            "n": n,
            "value": value,
            "unit": unit,
            "limit": limit,
            "confidence": confidence,
            "window": window,
        }
        self.add_figure(make_figure(rule, **stated, **extra))

    def add_figure(self, figure: Figure) -> None:
        """State a measurement that is already a figure."""
        self._figures[figure.rule] = figure

    def accrue(
        self,
        kind: Literal["window", "exposure"],
        *,
        start: datetime,
        end: datetime,
        **stated: Unpack[Contribution],
    ) -> None:
        """State this run's contribution to a claim that takes longer than one run: see `Accrual`."""
        begun, ended = (rfc3339(moment, "auto") for moment in (start, end))
        shard: Contribution = {"hours": 0.0, "hour_s": HOUR_S, "group": "", "shard": 0, "shards": 1, **stated}
        self._accruals.append(Accrual(kind=kind, start=begun, end=ended, **shard))

    def attach(self, name: str, value: object) -> None:
        """Keep a value as evidence under a name; a value that JSON can't hold is kept as text."""
        self._evidence[name] = value

    def trace(self, trace_id: str, request: str = "") -> None:
        """Record a request of this case by its trace id; recorded again, it counts as the latest."""
        before = self._traces.pop(trace_id, "")
        self._traces[trace_id] = request or before

    def curl(self, command: str) -> None:
        """Keep a command line that repeats the last request; credentials are named, not written."""
        if command not in self._curls:
            self._curls = [*self._curls[-4:], command]

    def take_over(self, earlier: "Recorder") -> None:
        """Add what was recorded for this case before its turn."""
        parts = earlier.parts()
        for figure in parts["figures"]:
            self.add_figure(figure)
        self._evidence |= parts["evidence"]
        for trace in parts["traces"]:
            self.trace(trace.trace_id, trace.request)
        for command in parts["curl"]:
            self.curl(command)
        self.lines_since = min(filter(None, (self.lines_since, earlier.lines_since)), default=None)

    def server_lines(self, lines: Sequence[ServerLine]) -> None:
        """Attach the server's log lines for this case's traces."""
        self._lines.extend(lines)

    def plot(self, plot: Plot) -> None:
        """Ask for a plot; the HTML renderer draws it."""
        self._plots.append(plot)

    @property
    def accruals(self) -> tuple[Accrual, ...]:
        """This case's contributions to its claim so far."""
        return tuple(self._accruals)

    @property
    def trace_ids(self) -> tuple[str, ...]:
        """Trace ids of this case's requests, in the order sent."""
        return tuple(self._traces)

    def note_judgement(self, evidence: Mapping[str, JSON]) -> None:
        """Adopt the evidence that a typed failure carries."""
        self._evidence.update(evidence)

    def parts(self) -> RowParts:
        """The parts of a verdict's row that the recorder owns."""
        shown = list(self._traces.items())[-MOST_TRACES:]
        return RowParts(
            figures=list(self._figures.values()),
            evidence={name: plain(value) for name, value in self._evidence.items()},
            accruals=list(self._accruals),
            traces=[Trace(trace_id, request) for trace_id, request in shown],
            curl=list(self._curls),
            server_lines=list(self._lines),
            plots=list(self._plots),
        )


MOST_TRACES = 40  # a case with a thousand calls keeps the last ones; the log has them all
