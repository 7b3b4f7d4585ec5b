"""The table of what is said of the service as deployed, and how a run is compared with it."""

from gate.failures import waits_for
from targets.loading import describe_target
from tests.prove.deployed import NO_GO, Row, came_to, compare, problems, read_table
from twin.states import DEPLOYED

ROWS = [Row(("a.one", "b.*"), "FAILED", "it is broken"), Row(("c.three",), "NOT_APPLICABLE", "it is not there")]
AS_SAID = {"a.one[x]": "FAILED", "b.two": "FAILED", "c.three": "NOT_APPLICABLE", "d.four": "PASSED"}


def test_a_run_as_the_table_says_is_right() -> None:
    assert compare(ROWS, AS_SAID) == []


def test_what_turned_and_what_no_row_names_is_said() -> None:
    said = compare(ROWS, AS_SAID | {"b.two": "PASSED", "d.four": "BROKEN"})
    assert said == [
        "b.two is PASSED and not FAILED (it is broken)",
        "d.four is BROKEN and not PASSED (no row names it)",
    ]


def test_a_row_may_leave_two_outcomes_open() -> None:
    row = Row(("e.five",), "PASSED or PENDING", "it depends on the minute")
    assert compare([row], {"e.five": "PENDING"}) == compare([row], {"e.five": "PASSED"}) == []
    assert compare([row], {"e.five": "FAILED"}) != []


def test_a_case_that_merely_waits_for_another_is_not_broken() -> None:
    waits = {"outcome": "BROKEN", "reason": "in call", "actual": f"{waits_for('a.one')}it is shut"}
    assert came_to(waits) == "WAITS"
    assert came_to(waits | {"actual": "our side was slow"}) == "BROKEN"
    assert came_to(waits | {"outcome": "FAILED"}) == "FAILED"


def test_a_row_of_no_case_is_said() -> None:
    assert compare(ROWS, {"a.one": "FAILED", "b.two": "FAILED"}) == ["no case is named c.three"]


def test_a_run_that_would_let_it_go_is_not_as_the_table_says() -> None:
    rows = read_table()["as-deployed"]
    of_a_go = problems(rows, 0, [])
    assert of_a_go[-1] == "exit code 0 instead of 1"
    assert problems(rows, NO_GO, []) == of_a_go[:-1]


def test_every_state_of_the_table_can_be_booted_and_every_row_says_why() -> None:
    table = read_table()
    assert {"as-deployed", "as-deployed-18-september"} <= table.keys() <= DEPLOYED.keys()
    assert not [row for rows in table.values() for row in rows if not row.why.endswith(".")]


def test_the_twin_as_deployed_is_judged_by_the_contract_of_staging() -> None:
    deployed, staging = describe_target("as-deployed"), describe_target("staging")
    own = {"together_ratio": deployed.contract.threads.together_ratio}  # both cores are the twin's and ours
    assert deployed.contract.threads == staging.contract.threads.model_copy(update=own)
    assert deployed.contract.validation == staging.contract.validation
    assert deployed.absent == staging.absent
