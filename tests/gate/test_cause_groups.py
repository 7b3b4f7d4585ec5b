"""What follows from a cause joins it: by the table, by a request that was read of, by the place, by the check."""

import pytest

from gate.cause_table import consequences, kinds
from gate.causes import find_causes
from gate.figures import Trace
from tests.catalogue import collected
from tests.gate.test_causes import row, said

LET_IN = "rest: let in, 200 '{}'"


def test_a_consequence_joins_its_cause_behind_its_own_cases() -> None:
    follows = row("auth.same-answer", actual="one is answered otherwise", began="2026-01-07T09:00:00.000Z")
    let_in = row("auth.refuses[expired]", actual=LET_IN, remedy="look at exp", began="2026-01-07T10:00:00.000Z")
    (cause,) = find_causes([follows, let_in])
    assert cause.cases == ["auth.refuses[expired]", "auth.same-answer"]
    assert cause.remedy == "look at exp"


def test_without_its_cause_a_consequence_is_a_cause() -> None:
    alone = row("auth.same-answer", actual="one is answered otherwise")
    other = row("release.order", actual="auth is newer")
    assert len(find_causes([alone, other])) == 2


@pytest.mark.parametrize(
    "of", ["the request of trace t7", "the first at 2026-01-07T10:00:01.500000Z: 'RuntimeError: x'"]
)
def test_what_a_log_shows_of_a_case_is_a_case_of_its_cause(of: str) -> None:
    traces = [Trace("t7", "GET /api/threads")]
    seen = row("threads.order", actual="the order changed", traces=traces, duration_s=3.0)
    read = row("logs.tracebacks", actual=of, traces=traces if "t7" in of else [], began="2026-01-07T10:05:00.000Z")
    (cause,) = find_causes([read, seen])
    assert cause.cases == ["threads.order", "logs.tracebacks"]


def test_what_a_log_shows_of_another_time_is_a_cause_of_its_own() -> None:
    seen = row("threads.order", actual="the order changed", duration_s=3.0)
    read = row("logs.tracebacks", actual="the first at 2026-01-07T10:00:04Z: 'RuntimeError: x'")
    assert len(find_causes([read, seen])) == 2


def test_errors_of_one_kind_in_one_place_are_one_cause_whatever_they_say() -> None:
    one = row("threads.metadata[[]]", [said("AttributeError", "'list' object has no attribute 'get'")])
    other = row("threads.metadata[true]", [said("AttributeError", "'bool' object has no attribute 'get'", trace="t2")])
    (cause,) = find_causes([one, other])
    assert len(cause.cases) == 2


def test_errors_of_two_kinds_in_one_place_are_one_cause_for_one_check_alone() -> None:
    shape = row("threads.metadata[[]]", [said("TypeError", "list indices must be integers")])
    key = row("threads.metadata[{}]", [said("KeyError", "'user_id'", trace="t2")])
    assert len(find_causes([shape, key])) == 1
    elsewhere = row("threads.volume", [said("MemoryError", "", trace="t2")])
    assert len(find_causes([shape, elsewhere])) == 2


def test_cases_of_one_check_are_one_cause_where_the_server_says_nothing() -> None:
    one = row("auth.refuses[expired]", actual=LET_IN)
    other = row("auth.refuses[none]", actual="websocket by header: let in, a session")
    (cause,) = find_causes([one, other])
    assert len(cause.cases) == 2


def test_the_log_s_own_remedy_gives_way_to_the_one_of_what_it_read_of() -> None:
    error = said("ValueError", "no order")
    rows = [row("logs.zero-500", [error]), row("logs.incidents", [error]), row("threads.order", [error])]
    (cause,) = find_causes(rows)
    assert cause.remedy.endswith("fix threads.order")


def test_every_consequence_names_cases_that_its_cause_does_not() -> None:
    for one in consequences():
        assert one.cases.pattern != one.of.pattern


def test_an_error_that_only_says_of_another_is_of_the_other_s_cause() -> None:
    first = row("auth.refuses[exp as text]", [said("TypeError", "'str' object cannot be interpreted as an integer")])
    open_circuit = said("AuthUnavailableError", "the circuit is open", trace="t2")
    later = [row(f"threads.order[{n}]", [open_circuit]) for n in range(3)]
    (cause,) = find_causes([*later, first])
    assert cause.sentence.startswith("TypeError")
    assert len(find_causes(later)) == 1, "where the log has no other error, it is the cause"


def test_an_echo_is_no_sign_where_a_case_saw_no_failure() -> None:
    provoked = said("AuthUnavailableError", "validation answered 503", trace="t2")
    rows = [
        row("browser.origin[stranger on 200]", actual="a stranger may read it"),
        row("browser.origin[stranger on 5xx]", [provoked], actual="a stranger may read it"),
    ]
    (cause,) = find_causes(rows)
    assert cause.traceback == ""


def test_the_remedy_is_the_one_of_what_the_others_follow_from() -> None:
    saw = "no answer within 2.5 s"
    rows = [row("health.schema", actual=saw), row("health.fresh", actual=saw), row("health.reachable", actual=saw)]
    (cause,) = find_causes(rows)
    assert cause.cases == ["health.reachable", "health.schema", "health.fresh"]
    assert cause.remedy == "fix health.reachable"


def test_cases_that_ask_one_thing_in_many_ways_are_one_cause_whatever_the_server_says() -> None:
    one = [row(f"threads.bounds[{n}]", [said("ValueError", "no number")]) for n in range(2)]
    other = row("threads.hostile[overlong]", [said("DBAPIError", "out of range", trace="t2")])
    elsewhere = row("threads.values", [said("KeyError", "another one", trace="t3")])
    assert sorted(len(cause.cases) for cause in find_causes([*one, other, elsewhere])) == [1, 3]


NO_ANSWER = "no answer within 2.5 s"
REFUSED = "refused by handshake with 401 'no'"


@pytest.mark.parametrize(
    "root, saw, case, follows, stands_alone",
    [
        ("threads.create", "no row: nothing was stored", "threads.read", "GET /x answered 404: 'no'", "'None'"),
        ("threads.rename", "it is not there", "threads.values", "250 others", "'None'"),
        ("threads.deleted", "x is listed", "threads.far", "9 items: 0 are missing, 3 do not belong there", "9 items"),
        ("threads.order", "['b', 'a']", "threads.pages[1]", "3 items, 2 different, 1 missing", "at most 2 items"),
        ("threads.schema", "x is '17', not type integer", "threads.values", "'17'", "250 others"),
        ("threads.together", NO_ANSWER, "threads.pages[1]", NO_ANSWER, "3 items, 2 different, 1 missing"),
        ("websocket.answers", "['pong', 'pong', 'ack']", "websocket.together", "['ack', 'pong']", "{'type': 'pong'}"),
        ("websocket.steady", "2 ended early", "websocket.agent", "the session ended: closed", "{'type': 'pong'}"),
        ("websocket.reconnect", REFUSED, "websocket.tabs", REFUSED, "no message within 6 s"),
        ("websocket.connects[header]", REFUSED, "websocket.churn", REFUSED, "238.8 ms at first, 594.9 ms more"),
        ("websocket.connects[subprotocol]", REFUSED, "auth.accepts[rest]", "handshake 401 'no'", "500 'no'"),
    ],
)  # fmt: skip
def test_a_case_follows_only_where_it_saw_what_its_cause_explains(
    root: str, saw: str, case: str, follows: str, stands_alone: str
) -> None:
    cause = row(root, actual=saw)
    (found,) = find_causes([row(case, actual=follows), cause])
    assert (found.cases, found.remedy) == ([root, case], cause.remedy)
    assert len(find_causes([row(case, actual=stands_alone), cause])) == 2


def test_one_remedy_that_checks_of_a_family_say_is_one_cause_unless_the_server_or_another_family_says_it() -> None:
    one = row("threads.create", actual="None", remedy="store what was sent")
    other = row("threads.values", actual="'None'", remedy="store what was sent")
    assert len(find_causes([one, other])) == 1
    assert len(find_causes([one, row("data.poison", actual="1 row", remedy="store what was sent")])) == 2
    assert len(find_causes([one, row("threads.values", actual="'None'", remedy="store it otherwise")])) == 2
    failed = [
        row(name, actual=f"answered 500: '{name}'", remedy="see the log") for name in ("threads.far", "threads.read")
    ]
    assert len(find_causes(failed)) == 2
    windows = [row(f"threads.pages[{n}]", actual="9 items", remedy="order them") for n in (1, 2)]
    windows.append(row("threads.far", actual="9 items", remedy="filter first"))
    for remedy, causes in (("order them", 1), ("filter first", 2)):
        assert len(find_causes([*windows, row("threads.messages[planted]", actual="[]", remedy=remedy)])) == causes


def test_an_error_of_the_server_s_own_follows_only_where_the_table_knows_the_error() -> None:
    down = row("auth.reachable", actual="no answer within 2.5 s")
    own = row("observability.metrics", [said("RuntimeError", "registered twice")], actual="answered 500: 'x'")
    assert len(find_causes([down, own])) == 2
    refused = row("threads.order", [said("ConnectError", "All connection attempts failed")], actual="answered 500: 'x'")
    assert len(find_causes([down, refused])) == 1


@pytest.mark.parametrize("part", ["cases", "of"])
def test_every_pattern_of_a_consequence_matches_a_check_that_is_there(part: str) -> None:
    names = [f"{one.check}[{one.case}]" if one.case else one.check for one in collected()]
    unknown = [one for one in consequences() if not any(getattr(one, part).fullmatch(name) for name in names)]
    assert unknown == []
    assert all(any(kind.fullmatch(name) for name in names) for kind in kinds())


def test_each_method_that_does_not_exist_is_a_cause_also_where_a_quoted_body_says_it() -> None:
    body = r"""answered 500: '{"message":"Failed. Error: type object \'IdManager\' has no attribute \'make_id\'"}'"""
    error = "type object 'IdManager' has no attribute 'make_id'"
    rows = [
        row("threads.create", actual=body),
        row("threads.create-hostile[NUL escape]", [said("AttributeError", error)]),
        row("threads.read", actual=body.replace("make_id", "find_id")),
    ]  # fmt: skip
    causes = find_causes(rows)
    assert [cause.cases for cause in causes] == [
        ["threads.create", "threads.create-hostile[NUL escape]"],
        ["threads.read"],
    ]
    assert all("Deploy caller and callee together" in cause.remedy for cause in causes)
    assert "find_id" in causes[1].sentence


def test_an_expectation_missed_with_one_status_is_one_cause_in_whatever_words_it_was_answered() -> None:
    wanted = "200 with the user's threads"
    one = row("threads.values", expected=wanted, actual="GET http://h/api/threads answered 404: '[]'")
    full = 'GET http://h/api/threads?limit=100 answered 404: \'[{"id":"a","title":"x"}]\''
    other = row("threads.order", expected=wanted, actual=full)
    assert len(find_causes([one, other])) == 1
    said_no = 'GET http://h/api/threads answered 403: \'{"error":"this list is not yours to see"}\''
    refused = row("threads.order", expected=wanted, actual=said_no)
    assert len(find_causes([one, refused])) == 2
    wider = row("threads.order", expected="a first page of the list", actual=full)
    assert len(find_causes([one, wider])) == 2


def test_a_method_that_succeeds_in_one_odd_way_is_one_cause_whatever_was_expected() -> None:
    made, stored = (
        "POST http://h/api/threads answered 202: '{}'",
        "POST http://h/api/threads answered 202: '{\"id\":1}'",
    )
    one = row("threads.create", expected="a created thread (contract.threads.one)", actual=made)
    other = row("threads.long-user[255]", expected="the stored thread, or a refusal", actual=stored)
    assert len(find_causes([one, other])) == 1
    usual = row("threads.long-user[255]", expected="a refusal", actual=stored.replace("202", "200"))
    assert len(find_causes([one, usual])) == 2
    read = row("threads.long-user[255]", expected="a refusal", actual=stored.replace("POST", "GET"))
    assert len(find_causes([one, read])) == 2


def test_a_special_case_with_the_symptom_of_the_usual_one_is_its_consequence_and_with_another_a_finding() -> None:
    usual = row("threads.archive", actual="thread_1 is listed", remedy="Filter by deleted_at.")
    special = row("threads.named-once[column]", actual="it is listed", remedy="Ask one function whose a thread is.")
    (cause,) = find_causes([special, usual])
    assert cause.cases == ["threads.archive", "threads.named-once[column]"]
    assert cause.remedy == "Filter by deleted_at."
    assert len(find_causes([usual, row("threads.named-once[column]", actual="it is not there")])) == 2


def test_pongs_that_come_late_are_one_cause_with_the_remedy_of_the_case_that_is_about_them() -> None:
    about = row("websocket.answers", actual="8: ['pong', 'pong']", remedy="Answer in the session's own loop.")
    late = [
        row(f"websocket.hostile[{name}]", actual="no pong within 2 s, at age 2.1 s", remedy="Parse inside a try.")
        for name in ("binary", "empty text")
    ]
    (cause,) = find_causes([*late, about])
    assert (cause.remedy, len(cause.cases)) == ("Answer in the session's own loop.", 3)
