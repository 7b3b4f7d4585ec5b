"""What one case leaves behind: figures, evidence, accruals, traces, the server's own lines, plots."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

JSON = Any
PlotKind = Literal["latency", "sequence", "sessions", "closes", "rtt", "errors-by-hour", "windows"]


@dataclass(frozen=True, slots=True)
class ServerLine:
    """One log line of the server for a request of this case."""

    timestamp: str
    severity: str
    trace_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Accrual:
    """What one run adds to a claim that takes longer than one run; the gate merges them by check and revision.

    A "window" covers the time from `start` to `end` of a log: the claim holds once windows that were `proved`
    cover `need_s` seconds in one piece, without an event. An "exposure" is one shard's share of a soak: the
    claim holds once every shard of its group is there, proved, at least `need_s` long, without an event.
    """

    kind: Literal["window", "exposure"]
    start: str  # RFC 3339, UTC
    end: str
    need_s: float  # how long the claim takes in all
    proved: bool  # whether the source was alive and read to its end: without, this adds nothing but events
    events: int  # how often the claim was broken in it
    n: int  # requests, or sessions
    hours: float = 0.0  # connection-hours of an exposure
    group: str = ""  # names the soak that the shards belong to
    shard: int = 0  # from 0
    shards: int = 1


@dataclass(slots=True)
class Recorder:
    """Collects the evidence of one case while it runs. Later figures of one rule replace earlier ones."""

    failed: bool = False
    lines_since: datetime | None = None  # where the traces' log lines may be older than the case
    _figures: dict[str, dict[str, JSON]] = field(default_factory=dict)
    _evidence: dict[str, JSON] = field(default_factory=dict)
    _accruals: list[Accrual] = field(default_factory=list)
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

    def accrue(  # noqa: PLR0913 - an accrual's own fields, all by keyword
        self,
        kind: Literal["window", "exposure"],
        *,
        start: datetime,
        end: datetime,
        need_s: float,
        proved: bool,
        events: int,
        n: int,
        hours: float = 0.0,
        group: str = "",
        shard: int = 0,
        shards: int = 1,
    ) -> None:
        """State what this run adds to a claim that takes longer than one run: see `Accrual`."""
        begun, ended = (moment.astimezone(UTC).isoformat().replace("+00:00", "Z") for moment in (start, end))
        self._accruals.append(Accrual(kind, begun, ended, need_s, proved, events, n, hours, group, shard, shards))

    def attach(self, name: str, value: JSON) -> None:
        """Keep a JSON value as evidence under a name."""
        self._evidence[name] = value

    def trace(self, trace_id: str, request: str = "") -> None:
        """Name a request of this case by its trace id; named again it counts as the latest."""
        before = self._traces.pop(trace_id, "")
        self._traces[trace_id] = request or before

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
    def accruals(self) -> tuple[Accrual, ...]:
        """What this case adds to its claim so far."""
        return tuple(self._accruals)

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
            "accruals": [asdict(accrual) for accrual in self._accruals],
            "traces": [{"trace_id": one, "request": request} for one, request in shown],
            "curl": list(self._curls),
            "server_lines": [asdict(line) for line in self._lines],
            "plots": list(self._plots),
        }


MOST_TRACES = 40  # a case of a thousand calls names its last ones; the log source holds them all
