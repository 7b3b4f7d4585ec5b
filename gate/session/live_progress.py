"""What the terminal shows during a run: live progress if it is a terminal, and one line per family."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import IO

from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gate.outcomes import Outcome
from gate.report.terminal import STYLES, console_for, mark
from gate.run import Result
from gate.verdict import Key, name

LONG_S = 2.0
SAY_EVERY_S = 10.0


class Live:
    """Shows what is being checked: live on a terminal, and one line per family everywhere."""

    def __init__(self, file: IO[str], *, verbose: bool, expected: Callable[[], Mapping[str, float]] = dict) -> None:
        terminal = file.isatty()
        self.console = console_for(file)
        self._verbose = verbose
        self._family = ""
        self._results: list[Result] = []
        self._to_come: dict[Key, str] = {}
        self._since = 0.0
        self._begun = 0.0
        self._line = ""
        self._said = 0.0
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
        self._animated = terminal and not verbose
        self._expected = expected() if self._animated else {}  # by case, how long it took the last time

    def plan(self, results: Iterable[Result]) -> None:
        """What will run: the cases of a family need not come in a row, and its line says how many come later."""
        self._to_come = {result.key: result.check.family for result in results}

    def begin(self, result: Result) -> None:
        """A case begins."""
        if result.check.family != self._family:
            self._end_family()
            self._family, self._results, self._since = result.check.family, [], time.monotonic()
        self._begun = time.monotonic()
        if self._animated:
            for task in list(self._progress.task_ids):
                self._progress.remove_task(task)
            self._line = escape(name(result.key))
            self._progress.add_task(self._case(result))
            self._progress.start()

    def end(self, result: Result) -> None:
        """A case has ended. Without a terminal, one that took over two seconds is printed on a line."""
        self._results.append(result)
        self._to_come.pop(result.key, None)
        took = time.monotonic() - self._begun
        if self._verbose:
            self.console.print(f"{mark(str(result.outcome))} {escape(name(result.key))}  {took:.2f} s")
        elif took > LONG_S and not self._animated:
            self.console.print(f"  [dim]{escape(name(result.key))} took {took:.1f} s[/dim]")

    def say(self, text: str) -> None:
        """The progress of the current case: in place on a terminal, elsewhere one line every ten seconds."""
        if self._animated:
            for task in self._progress.task_ids:
                self._progress.update(task, description=f"[dim]{self._line:<14}[/]{escape(text)}")
        elif time.monotonic() - self._said >= SAY_EVERY_S:
            self._said = time.monotonic()
            self.console.print(f"  {text}", markup=False, soft_wrap=True)

    def _case(self, result: Result) -> str:
        """Family, number of finished cases, current case, and how long it took last time."""
        case = name(result.key)
        last_s = self._expected.get(case)
        usually = f" [dim](last time {last_s:.1f} s)[/]" if last_s is not None and last_s >= 1 else ""
        return f"[dim]{self._family:<14}{len(self._results)} done, now [/]{escape(case)}{usually}"

    def close(self) -> None:
        """No more cases."""
        self._end_family()
        self._stop_progress()

    def _stop_progress(self) -> None:
        if self._animated:  # without a terminal, stopping what never started prints an empty line
            self._progress.stop()

    def _end_family(self) -> None:
        if not self._family:
            return
        self._stop_progress()
        counts = {one: sum(result.outcome is one for result in self._results) for one in Outcome}
        outcomes = ", ".join(f"[{STYLES[one]}]{count} {one}[/]" for one, count in counts.items() if count)
        later = sum(family == self._family for family in self._to_come.values())
        rest = f"  ({later} later)" if later else ""
        self.console.print(f"{self._family:<14}{outcomes}  [dim]{time.monotonic() - self._since:.1f} s{rest}[/dim]")
        self._family = ""
