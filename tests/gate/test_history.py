"""History: what each revision broke and fixed, what is not steady, what is left out; the page needs nothing."""

import json
import re
from typing import Any

from gate.history import History, build_history
from gate.release.store import StoreError
from gate.report.history import render_history

CAUSE: dict[str, Any] = {
    "key": "k1",
    "sentence": "ValueError: no <context> in x.py",
    "outcome": "FAILED",
    "cases": ["a.b"],
}


def run(number: int, revision: str, outcomes: dict[str, str], **more: Any) -> tuple[str, bytes]:  # noqa: ANN401 - any key
    run_id = f"202611{number:02d}T100000Z-00000{number % 10}"
    rows: list[dict[str, Any]] = [
        {"name": name, "id": name, "outcome": outcome, "figures": []} for name, outcome in outcomes.items()
    ]
    figure = {"value": 41.0 + number, "unit": "ms", "interval": [39.0, None], "limit": 100, "n": 500}
    rows[0]["figures"] = [figure]
    failed = "FAILED" in outcomes.values()
    document = {
        "run_id": run_id,
        "revision": revision,
        "phase": "smoke",
        "verdict": "NO-GO" if failed else "GO",
        "started": f"2026-11-{number:02d}T10:00:00Z",
        "ended": f"2026-11-{number:02d}T10:00:50Z",
        "checks": rows,
        "causes": [CAUSE] if failed else [],
    }
    return run_id, json.dumps(document | more).encode()


def history(*runs: tuple[str, bytes | Exception], discarded: tuple[str, ...] = ()) -> History:
    return build_history("staging", "gs://b/e", runs, discarded)


P, F = "PASSED", "FAILED"
STORY = (
    run(1, "r-1", {"auth.latency": P, "a.b": P}),
    run(2, "r-2", {"auth.latency": P, "a.b": F}),
    run(3, "r-2", {"auth.latency": P, "a.b": P}),
    run(4, "r-3", {"auth.latency": P, "a.b": P}),
)


def test_what_a_revision_broke_and_fixed_is_named_by_cause_and_counted_by_case() -> None:
    first, second, third = history(*STORY).revisions
    assert (first.broke, first.fixed) == ([], [])
    assert (second.broke, second.cases_broken) == ([CAUSE["sentence"]], 1)
    assert (third.fixed, third.cases_fixed) == ([CAUSE["sentence"]], 1)
    assert second.verdicts() == {"smoke": {"NO-GO": 1, "GO": 1}}


def test_a_case_with_two_outcomes_on_one_revision_is_not_steady() -> None:
    (flaky,) = history(*STORY).flaky
    assert (flaky.name, flaky.revision, flaky.passed, flaky.not_passed) == ("a.b", "r-2", 1, 1)


def test_what_does_not_count_is_left_out_and_said() -> None:
    selected = run(5, "r-3", {"auth.latency": F}, selection="--check=auth.*")
    unread = ("20261106T100000Z-000006", StoreError("it can't be read"))
    half = ("20261107T100000Z-000007", b'{"run_id": ')
    told = history(*STORY, selected, unread, half, discarded=(STORY[1][0],))
    assert told.left_out == {"discarded": 1, "runs of a selection": 1, "can't be read": 2}
    assert not told.causes


def test_the_page_is_whole_in_itself_and_escapes_what_servers_said() -> None:
    page = render_history(history(*STORY))
    assert "no <context>" not in page
    assert "no \u2039context&gt;" in page
    assert not re.search(r"<(script|link|img|iframe)\b|https?://", page)
    assert page.count("<svg") == 2, "response times, and how long a run takes"
    assert "decides nothing" in page


def test_without_runs_there_is_a_page_that_says_so() -> None:
    assert "No run that came to an end" in render_history(history())
