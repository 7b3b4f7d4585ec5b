"""Causes: what the server itself said groups cases, else what was seen; one sentence and one remedy each."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.cause_table import known_causes
from gate.causes import find_causes
from gate.document import missing_row
from gate.failures import waits_for
from gate.figures import ServerLine
from gate.outcomes import Outcome
from gate.plain_text import neutralise
from gate.server_errors import read_error, shortened, without_variables
from gate.strict_json import plain
from gate.verdict_document import Row

TRACEBACK = """GET /api/threads failed: {message}
Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/starlette/routing.py", line 75, in app
    response = await func(request)
  File "/srv/app/threads.py", line {line}, in render
    item["user_id"] = metadata.get("user_id")
  File "/usr/lib/python3.11/asyncio/tasks.py", line 5, in run
    await it
{kind}: {message}
"""


def said(kind: str, message: str, trace: str = "t1", line: int = 35, at: str = "2026-01-07T10:00:00Z") -> ServerLine:
    return ServerLine(at, "ERROR", trace, TRACEBACK.format(kind=kind, message=message, line=line))


def row(name: str, lines: Sequence[ServerLine] = (), **more: Any) -> Row:  # noqa: ANN401 - any field of a row
    check, _, case = name.partition("[")
    base = {key: getattr(missing_row((check, case.rstrip("]")), Outcome.FAILED), key) for key in Row.__struct_fields__}
    base |= {"actual": "answered 500", "remedy": f"fix {check}", "began": "2026-01-07T10:00:00.000Z"}
    return Row(**base | {"server_lines": list(lines)} | more)


def test_cases_of_one_server_error_are_one_cause_whatever_ids_and_lines_it_names() -> None:
    one = row("threads.order", [said("KeyError", "'thread 17'", line=35)])
    other = row("threads.schema", [said("KeyError", "'thread 4711'", trace="t2", line=36)])
    (cause,) = find_causes([one, other])
    assert cause.cases == ["threads.order", "threads.schema"]
    assert cause.frame == "threads.py in render"
    assert "threads.py in render" in cause.sentence
    assert cause.remedy.startswith("Look at threads.py in render")


def test_a_known_cause_brings_its_own_sentence_and_remedy() -> None:
    (cause,) = find_causes([row("threads.order", [said("AttributeError", "'NoneType' object has no attribute 'get'")])])
    assert cause.sentence.startswith("Rows whose metadata is NULL")
    assert "Fix 3" in cause.remedy


def test_a_case_without_a_traceback_joins_the_cause_that_saw_the_same_words() -> None:
    words = "the session ended: closed without a close frame (the TCP connection ended) at age 0.3 s"
    loud = row("websocket.connects[header]", [said("ValueError", "no context")], actual=words)
    quiet = row("websocket.steady", actual=words.replace("0.3", "11.9"))
    (cause,) = find_causes([loud, quiet])
    assert cause.cases == ["websocket.connects[header]", "websocket.steady"]


def test_a_case_whose_evidence_quotes_the_error_joins_its_cause() -> None:
    loud = row("threads.order", [said("ValueError", "day is out of range for month")])
    counted = row("logs.zero-500", actual="3 of 90 requests", evidence={"clusters": ["day is out of range for month"]})
    (cause,) = find_causes([loud, counted])
    assert len(cause.cases) == 2


def test_what_many_cases_met_outweighs_what_one_met_alone() -> None:
    common, own = said("ValueError", "no context"), said("RuntimeError", "the circuit is open", trace="t9")
    causes = find_causes(
        [row("auth.outage", [own, own, common]), row("threads.order", [common]), row("threads.schema", [common])]
    )
    assert [len(cause.cases) for cause in causes] == [3]


def test_different_sights_without_server_lines_are_different_causes() -> None:
    causes = find_causes(
        [row("health.fresh", actual="a naive timestamp"), row("release.order", actual="auth is newer")]
    )
    assert [cause.remedy for cause in causes] == ["fix health.fresh", "fix release.order"]


def test_failed_comes_first_then_the_largest() -> None:
    small = row("health.fresh", actual="a naive timestamp")
    large = [row(f"threads.pages[{n}]", [said("ValueError", "page")], actual="500") for n in range(3)]
    ours = [row(f"logs.canary[{n}]", outcome=Outcome.BROKEN, actual="", reason="403 of the log API") for n in range(9)]
    causes = find_causes([small, *ours, *large])
    assert [(cause.outcome, len(cause.cases)) for cause in causes] == [
        (Outcome.FAILED, 3),
        (Outcome.FAILED, 1),
        (Outcome.BROKEN, 9),
    ]


def test_what_passed_what_did_not_run_and_what_is_accepted_has_no_cause() -> None:
    rows = [
        row("threads.order", outcome=Outcome.PASSED),
        row("threads.schema", known_failure="team, until 2026-02-01: known"),
        missing_row(("threads.deleted", "")),
    ]
    assert find_causes(rows, missing=["threads.deleted"]) == []


def test_lines_are_those_of_the_requests_that_met_it_in_order_of_time() -> None:
    late = said("ValueError", "page", at="2026-01-07T10:00:09Z")
    request = ServerLine("2026-01-07T10:00:01Z", "ERROR", "t1", "GET /api/threads 500")
    other = ServerLine("2026-01-07T10:00:02Z", "INFO", "t2", "GET /health 200")
    (cause,) = find_causes([row("threads.order", [late, other, request])])
    assert cause.lines == [request, late]
    assert (cause.first, cause.last) == (request.timestamp, late.timestamp)


@pytest.mark.parametrize(
    "text,kind,frame",
    [
        (
            TRACEBACK.format(kind="sqlalchemy.exc.DBAPIError", message="boom", line=1),
            "DBAPIError",
            "threads.py in render",
        ),
        ("auth failed\nRuntimeError: no response", "RuntimeError", ""),
        ("nothing went wrong here", None, None),
    ],
)
def test_an_error_is_read_from_what_the_server_wrote(text: str, kind: str | None, frame: str | None) -> None:
    error = read_error(text)
    assert (error.kind if error else None, error.frame if error else None) == (kind, frame)


def test_a_long_text_keeps_its_head_its_end_and_the_frames_of_the_service_between_them() -> None:
    library = '  File "/srv/.venv/lib/python3.11/site-packages/sqlalchemy/engine.py", line 7, in execute\n    run()\n'
    own = '  File "/srv/app/threads.py", line 35, in page\n    await rows()\n'
    text = f"GET failed\n{library * 20}{own}{library * 30}sqlalchemy.exc.DBAPIError: boom\n"
    short = shortened(text, 1000)
    assert len(short) < 1300
    assert short.startswith("GET failed")
    assert short.endswith("DBAPIError: boom\n")
    error = read_error(short)
    assert error is not None
    assert error.frame == "threads.py in page"
    assert shortened(own, 1000) == own


def test_of_many_own_frames_a_short_text_keeps_the_innermost() -> None:
    frames = [f'  File "/srv/app/threads.py", line {n}, in step_{n}\n    go()\n' for n in range(200)]
    text = f"{''.join(frames)}{'x' * 600}\nValueError: boom"
    assert len(shortened(text, 1000)) < 1300
    assert "step_199" in shortened(text, 1000)
    assert "step_150" not in shortened(text, 1000)


def test_variables_are_what_differs_from_run_to_run() -> None:
    one = without_variables("GET http://127.0.0.1:47355/api answered 500 for nv-20261125-owner1 in 0.3 s at 0x7f00")
    other = without_variables("GET http://127.0.0.1:9/api answered 503 for nv-20261126-owner7 in 12 s at 0xbeef")
    assert one == other


def some_row(number: int, kind: str, outcome: Outcome) -> Row:
    return row(f"threads.order[{number}]", [said(kind, "x")] if kind else (), outcome=outcome)


KINDS = st.sampled_from(["", "ValueError", "KeyError"])
ROWS = st.lists(
    st.builds(some_row, st.integers(0, 1000), KINDS, st.sampled_from(list(Outcome))),
    max_size=20,
    unique_by=lambda one: one.name,
)


@given(ROWS)
def test_every_case_that_did_not_pass_has_exactly_one_cause(rows: list[Row]) -> None:
    red = sorted(one.name for one in rows if one.outcome in {Outcome.FAILED, Outcome.BROKEN, Outcome.PENDING})
    assert sorted(name for cause in find_causes(rows) for name in cause.cases) == red


def test_every_known_cause_has_a_key_of_its_own_and_patterns() -> None:
    keys = [one.key for one in known_causes()]
    assert len(set(keys)) == len(keys)
    assert all(one.patterns and one.sentence and one.remedy for one in known_causes())
    assert plain(keys) == keys


def test_a_case_that_waits_for_one_case_of_a_check_is_known_by_its_neutralised_reason() -> None:
    found = row("auth.accepts[rest]", actual="REST refuses every valid token")
    waits = row("threads.order", actual=neutralise(f"{waits_for('auth.accepts[rest]')}REST refuses every valid token"))
    (cause,) = find_causes([replace(waits, outcome=Outcome.BROKEN), found])
    assert cause.cases == ["auth.accepts[rest]", "threads.order"]


def test_a_case_that_merely_waits_is_a_case_of_the_cause_it_waits_for() -> None:
    found = row("threads.lists-own", actual="GET /api/threads answered 404")
    waits = row("threads.order", actual=f"{waits_for('threads.lists-own')}GET /api/threads answered 404")
    waits = replace(waits, outcome=Outcome.BROKEN)
    (cause,) = find_causes([waits, found])
    assert (cause.outcome, cause.cases) == (Outcome.FAILED, ["threads.lists-own", "threads.order"])


def test_a_case_that_the_log_says_nothing_of_joins_the_cause_that_met_the_same_answer() -> None:
    body = """'{"error":{"code":"internal","message":"Something went wrong."}}'"""
    loud = row("auth.accepts[rest]", [said("RuntimeError", "no response")], actual=f"500 {body}")
    quiet = row("threads.together", actual=f"GET http://127.0.0.1:46013/api/threads answered 500: {body}")
    (cause,) = find_causes([loud, quiet])
    assert len(cause.cases) == 2


def test_two_errors_in_one_frame_of_words_are_two_causes() -> None:
    frame = 'GET http://127.0.0.1:46013/api/threads answered 500: \'{"message":"Failed to list threads. Error: {}\''
    unreadable = frame.replace("{}", "unsupported Unicode escape sequence (the row can not be read)")
    mistyped = frame.replace("{}", "1 validation error for Item: Input should be a valid string")
    rows = [row("threads.metadata[a]", actual=unreadable), row("threads.metadata[b]", actual=mistyped)]
    assert [cause.cases for cause in find_causes(rows)] == [["threads.metadata[a]"], ["threads.metadata[b]"]]


@pytest.mark.parametrize(
    "words",
    [
        "20 of 20 were never opened, such as: the session ended before its welcome: no close frame received or sent",
        "session: Error: closed with 1006 before the welcome",
    ],
)
def test_the_same_sight_in_other_words_joins_the_cause_that_the_server_names(words: str) -> None:
    seen = "the session ended: closed without a close frame (the TCP connection ended) at age 0.3 s"
    loud = row("websocket.connects[header]", [said("ValueError", "no context")], actual=seen)
    (cause,) = find_causes([loud, row("browser.page", actual=words)])
    assert len(cause.cases) == 2


def test_an_error_of_any_name_is_read_after_its_traceback() -> None:
    line = TRACEBACK.format(message="no greenlet", line=35, kind="sqlalchemy.exc.MissingGreenlet")
    error = read_error(line)
    assert error is not None
    assert (error.kind, error.frame) == ("MissingGreenlet", "threads.py in render")
    assert read_error("uvicorn.Server: started") is None
