"""What the attempts come to: counted from a verdict, and judged."""

from typing import Any

import pytest

from tests.races.attempts import RACES, Attempts, count, judge
from tests.races.repeating import REPEATED

TIMES = 4


def row(check: str, outcome: str, ratio: float | None = None) -> dict[str, Any]:
    figures = [] if ratio is None else [{"unit": "x", "value": ratio}, {"value": 3}]
    return {"id": check, "outcome": outcome, "duration_s": 1.0, "figures": figures, "actual": outcome, "reason": ""}


def attempts(*outcomes: str) -> dict[str, Attempts]:
    rows = [row(check, outcome) for check in REPEATED for outcome in outcomes]
    return count({"checks": rows})


def test_attempts_are_counted_by_check_with_their_ratios() -> None:
    rows = [row("threads.together", "PASSED", 8.0), row("threads.together", "FAILED", 21.5)]
    others = [row("threads.far", "FAILED"), row("websocket.together", "BROKEN") | {"duration_s": 0.0}]
    counted = count({"checks": [*rows, *others]})
    assert counted["threads.together"].outcomes == {"PASSED": 1, "FAILED": 1}
    assert "8.0 to 21.5 times one" in counted["threads.together"].line
    assert counted["threads.together"].reasons == ("FAILED",)
    assert "none ran" in counted["websocket.together"].line


CAUGHT, QUIET = ["FAILED"] * TIMES, ["PASSED"] * TIMES


@pytest.mark.parametrize(
    "racing,sound,code",
    [
        (CAUGHT, QUIET, 0),
        ([*CAUGHT[1:], "PASSED"], QUIET, 1),
        (CAUGHT, [*QUIET[1:], "FAILED"], 1),
        ([*CAUGHT[1:], "BROKEN"], QUIET, 10),
        (CAUGHT, [*QUIET[1:], "BROKEN"], 10),
        (CAUGHT, QUIET[1:], 10),
        ([], [], 10),
    ],
    ids=["all right", "missed", "false alarm", "undecided", "undecided, sound", "one too few", "none ran"],
)
def test_a_miss_or_a_false_alarm_is_one_and_less_than_all_is_undecided(
    racing: list[str], sound: list[str], code: int
) -> None:
    assert judge(TIMES, attempts(*racing), attempts(*sound)) == code


def test_each_check_that_is_repeated_has_its_race() -> None:
    assert set(RACES.values()) == REPEATED
