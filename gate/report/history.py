"""`history.html`: one self-contained page about the runs of a target, readable without scripts."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gate.history import History, Revision, ShownFigure, ShownRun, lasted
from gate.report.chart import ACCENT, BAD, FAINT, Chart
from gate.report.html import environment

ROOM = 1.1  # above the highest point
MOST_NAMES = 6  # of moments below a chart
MOST_REVISIONS = 10  # columns of the table of causes: more would be unreadable
MOST_FLAKY = 40
COLOURS = {"GO": ACCENT, "NO-GO": BAD, "INCONCLUSIVE": FAINT}


def render_history(history: History) -> str:
    """The page. Newest revisions come first; charts run from left to right in time."""
    shown = history.revisions[-MOST_REVISIONS:]
    skipped = len(history.revisions) - len(shown)
    return (
        environment()
        .get_template("history.html.j2")
        .render(
            history=history,
            revisions=list(reversed(history.revisions)),
            columns=[one.name for one in shown],
            causes=[(cause, cause.seen[skipped:]) for cause in history.causes],
            flaky=history.flaky[:MOST_FLAKY],
            charts=[chart for draw in CHARTS if (chart := draw(history))],
            cells=_cells,
        )
    )


def _cells(revision: Revision) -> dict[str, str]:
    """A revision's figures, as text."""
    p95, errors, health, sessions = (revision.figure(key) for key in ("p95", "errors", "health", "sessions"))
    seconds = revision.seconds()
    return {
        "p95": _with_interval(p95),
        "errors": f"{errors.value:g}" if errors and errors.value is not None else "",
        "health": f"{health.value:g} of {health.n:g}" if health and health.value is not None and health.n else "",
        "sessions": f"at most {sessions.hazard_per_hour:.2g} per hour" if sessions and sessions.hazard_per_hour else "",
        "took": f"{seconds:.0f} s" if seconds else "",
    }


def _with_interval(figure: ShownFigure | None) -> str:
    if figure is None or figure.value is None:
        return ""
    low, high = figure.interval or (None, None)
    between = f" ({low:.3g} to {high:.3g})" if low is not None and high is not None else ""
    return f"{figure.value:.3g} {figure.unit}{between}"


Drawing = dict[str, str]


def _latency(history: History) -> Drawing | None:
    """The p95 of each run with its interval, and the limit."""
    points = [(run, figure) for run in history.runs if (figure := run.figure("p95")) and figure.value is not None]
    if not points:
        return None
    limit = max((float(figure.limit or 0) for _, figure in points), default=0.0)
    tops = [float(((figure.interval or (None, None))[1]) or figure.value or 0) for _, figure in points]
    chart = _chart([run for run, _ in points], max([limit, *tops]) * ROOM, "milliseconds, 95th percentile")
    for place, (_, figure) in enumerate(points):
        low, high = figure.interval or (None, None)
        if low is not None and high is not None:
            chart.line([(place, low), (place, high)], FAINT, 3.0)
        chart.dots([(place, figure.value or 0)], BAD if limit and float(figure.value or 0) > limit else ACCENT, 2.5)
    if limit:
        chart.rule(y=limit, colour=BAD, dashed=True)
    caption = (
        f"The p95 of the auth service in {len(points)} runs, with its 95 % interval; dashed: the limit of {limit:g} ms."
    )
    return {"title": "Auth service response time", "svg": chart.svg(9001, caption), "text": caption}


def _counted(title: str, wanted: str, label: str, number: int) -> Callable[[History], Drawing | None]:
    def draw(history: History) -> Drawing | None:
        points = [(run, figure) for run in history.runs if (figure := run.figure(wanted)) and figure.value is not None]
        if not points:
            return None
        highest = max(float(figure.value or 0) for _, figure in points)
        chart = _chart([run for run, _ in points], max(1.0, highest * ROOM), label)
        chart.dots([(place, figure.value or 0) for place, (_, figure) in enumerate(points)], ACCENT, 2.5)
        caption = f"{title}: {label}, in {len(points)} runs; at most {highest:g}."
        return {"title": title, "svg": chart.svg(number, caption), "text": caption}

    return draw


def _sessions(history: History) -> Drawing | None:
    """The upper bound on the drop rate after each run."""
    points = [
        (run, figure.hazard_per_hour)
        for run in history.runs
        if (figure := run.figure("sessions")) and figure.hazard_per_hour is not None
    ]
    if not points:
        return None
    chart = _chart(
        [run for run, _ in points], max(float(bound) for _, bound in points) * ROOM, "drops per hour, at most"
    )
    chart.dots([(place, bound) for place, (_, bound) in enumerate(points)], ACCENT, 2.5)
    caption = f"The upper bound (95 %) on dropped WebSocket sessions per hour in {len(points)} runs."
    return {"title": "WebSocket sessions", "svg": chart.svg(9003, caption), "text": caption}


def _durations(history: History) -> Drawing | None:
    runs = [run for run in history.runs if run.phase == "smoke"]
    if not runs:
        return None
    chart = _chart(runs, max(map(lasted, runs)) * ROOM, "seconds")
    for verdict, colour in COLOURS.items():
        chart.dots([(place, lasted(run)) for place, run in enumerate(runs) if run.verdict == verdict], colour, 2.5)
    caption = f"How long {len(runs)} runs of the smoke phase took; by colour GO, NO-GO and INCONCLUSIVE."
    return {"title": "Duration of a run", "svg": chart.svg(9004, caption), "text": caption}


CHARTS: tuple[Callable[[History], Drawing | None], ...] = (
    _latency,
    _counted("Server errors", "errors", "entries of 500 to 599 in a run", 9002),
    _sessions,
    _durations,
)


def _chart(runs: Sequence[ShownRun], highest: float, label: str) -> Chart:
    """A chart with one position per run, labelled with a few times."""
    chart = Chart(x=(-0.5, len(runs) - 0.5), y=(0, highest), x_label="runs, in order of time", y_label=label)
    every = max(1, -(-len(runs) // MOST_NAMES))
    chart.x_names = [(float(place), _day(runs[place].started)) for place in range(0, len(runs), every)]
    return chart


def _day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%d %b %H:%M}"
