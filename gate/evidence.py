"""What one case leaves behind: figures, evidence, traces, the server's own lines, plots."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

JSON = Any
PlotKind = Literal["latency", "sequence", "sessions", "closes", "errors-by-hour"]


@dataclass(frozen=True, slots=True)
class ServerLine:
    """One log line of the server for a request of this case."""

    timestamp: str
    severity: str
    trace_id: str
    text: str


@dataclass(slots=True)
class Recorder:
    """Collects the evidence of one case while it runs. Later figures of one rule replace earlier ones."""

    failed: bool = False
    _figures: dict[str, dict[str, JSON]] = field(default_factory=dict)
    _evidence: dict[str, JSON] = field(default_factory=dict)
    _traces: dict[str, str] = field(default_factory=dict)
    _curls: list[str] = field(default_factory=list)
    _lines: list[ServerLine] = field(default_factory=list)
    _plots: list[dict[str, JSON]] = field(default_factory=list)

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
        """State a measurement: the rule it follows, how many, the value, its limit, confidence and window."""
        self._figures[rule] = {
            "rule": rule, "n": n, "value": value, "unit": unit, "limit": limit,
            "confidence": confidence, "window": window, **extra,
        }  # fmt: skip

    def attach(self, name: str, value: JSON) -> None:
        """Keep a JSON value as evidence under a name."""
        self._evidence[name] = value

    def trace(self, trace_id: str, request: str = "") -> None:
        """Name a request of this case by its trace id."""
        self._traces[trace_id] = request

    def curl(self, command: str) -> None:
        """Keep a command line that repeats the last request; credentials are named, not written."""
        if command not in self._curls:
            self._curls = [*self._curls[-4:], command]

    def server_lines(self, lines: Sequence[ServerLine]) -> None:
        """Attach the server's log lines for this case's traces."""
        self._lines.extend(lines)

    def plot(self, kind: PlotKind, data: JSON) -> None:
        """Ask for a plot; the HTML renderer draws it."""
        self._plots.append({"kind": kind, "data": data})

    @property
    def trace_ids(self) -> tuple[str, ...]:
        """Trace ids of this case's requests, in the order sent."""
        return tuple(self._traces)

    def note_judgement(self, evidence: Mapping[str, JSON]) -> None:
        """Take over the evidence that a typed failure carries."""
        self._evidence.update(evidence)

    def as_json(self) -> dict[str, JSON]:
        """The parts of a verdict's row that the recorder owns."""
        shown = list(self._traces.items())[-MOST_TRACES:]
        return {
            "figures": list(self._figures.values()),
            "evidence": dict(self._evidence),
            "traces": [{"trace_id": one, "request": request} for one, request in shown],
            "curl": list(self._curls),
            "server_lines": [asdict(line) for line in self._lines],
            "plots": list(self._plots),
        }


MOST_TRACES = 40  # a case of a thousand calls names its last ones; the log source holds them all
