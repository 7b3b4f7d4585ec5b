"""`python -m tests.prove.first_screen FOLDER COUNT`: whether a run failed for COUNT causes, and its reports begin so.

The first screen of the page and of the summary, and the last lines of the terminal, have to name each cause.
"""

import html
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from gate.outcomes import Outcome
from gate.report.causes import causes_in_words
from gate.report.checklist import Report, answered
from gate.report.terminal import console_for, print_verdict
from gate.verdict_document import decode

LINES = 24  # of a terminal as programs find it
TAG = re.compile(r"<[^>]{0,400}>")


def complaints(folder: Path, count: int) -> list[str]:
    """What is not as it should be, a sentence each. Raises OSError where the run left no such file."""
    report = answered(decode((folder / "verdict.json").read_bytes()))
    failed = [one for one in causes_in_words(report) if one.cause.outcome is Outcome.FAILED]
    said = [] if len(failed) == count else [f"{len(failed)} causes of what failed instead of {count}"]
    for name, text in _first_screens(folder, report).items():
        said += [
            f"the {name} does not begin with: {one.short}" for one in failed if _flat(one.short) not in _flat(text)
        ]
    return said


def _first_screens(folder: Path, report: Report) -> dict[str, str]:
    page = (folder / "report.html").read_text(encoding="utf-8")
    terminal = io.StringIO()
    print_verdict(report, folder, console_for(terminal))
    return {
        "page": html.unescape(TAG.sub("", page.partition("<header")[2].partition("</header>")[0])),
        "summary": (folder / "summary.md").read_text(encoding="utf-8").partition("\n### ")[0],
        "terminal": "\n".join(terminal.getvalue().splitlines()[-LINES:]),
    }


def _flat(text: str) -> str:
    """The words without what wraps and escapes do to them."""
    return re.sub(r"[\s\\<\u2039]+|&lt;", "", text)


def main(arguments: Sequence[str]) -> int:
    """Print what is not as it should be; 1 for anything."""
    folder, count = Path(arguments[0]), int(arguments[1])
    said = complaints(folder, count)
    for one in said or [f"{count} causes, named by the first screen of page, summary and terminal"]:
        print(one)  # noqa: T201 - what the command is for
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
