"""The error in a server's line, a long text cut so that its error stays, and values as strict JSON."""

import math
from collections import OrderedDict
from datetime import UTC, datetime

import pytest

from gate.server_errors import ServerError, read_error, shortened, without_variables
from gate.strict_json import finite, is_deeper, plain, word_for

OWN = '  File "/app/threads.py", line 12, in render\n'
LIBRARY = '  File "/usr/lib/python3.11/site-packages/x/y.py", line 3, in call\n'
TRACEBACK = f"Traceback (most recent call last):\n{OWN}{LIBRARY}app.errors.NotFoundError: thread 17 is gone\n"


def test_an_error_has_its_kind_its_message_and_the_innermost_own_frame() -> None:
    found = read_error(TRACEBACK)
    assert found == ServerError("NotFoundError", "thread 17 is gone", "threads.py in render", TRACEBACK)
    assert found is not None
    assert found.signature == "NotFoundError: thread # is gone in threads.py in render"


@pytest.mark.parametrize(
    "text, kind, message, frame",
    [
        ("ValueError: odd", "ValueError", "odd", ""),
        ("  TimeoutError", "TimeoutError", "", ""),
        ("ValueError: first\nKeyError: 'last'", "KeyError", "'last'", ""),
        (f"Traceback (most recent call last):\n{LIBRARY}asyncio.queues.QueueFull: x", "QueueFull", "x", "y.py in call"),
        ("asyncio.queues.QueueFull: x", "", "", ""),
        ("all is well", "", "", ""),
    ],
)
def test_the_last_error_of_a_text_counts(text: str, kind: str, message: str, frame: str) -> None:
    found = read_error(text)
    assert (found is None) is (not kind)
    if found is not None:
        assert (found.kind, found.message, found.frame) == (kind, message, frame)
        assert found.signature.endswith(f" in {frame or 'no frame'}")


def test_what_differs_from_time_to_time_is_left_out() -> None:
    text = "GET https://h:8080/x took 1.5 s for 0xff of nv-owner-001 (4f9aac10-ab12) at ws 7"
    assert without_variables(text) == "GET #/x took # s for # of # (#) at ws #"


def test_a_text_that_fits_is_kept_whole() -> None:
    assert shortened("x" * 40, 40) == "x" * 40
    assert shortened("a" * 21 + "b" * 20, 40) == "a" * 10 + "\n…\n" + "b" * 20


def test_between_its_ends_the_innermost_own_frames_are_kept_as_far_as_they_fit() -> None:
    frames = "".join(f'  File "/app/f{number}.py", line 1, in call\n' for number in range(9))
    text = "h" * 100 + "\n" + frames + LIBRARY + "e" * 200
    head, kept, *end = shortened(text, 400).split("\n…\n")
    assert (head, end) == ("h" * 100, ["e" * 200])
    assert kept.splitlines() == [f'  File "/app/f{number}.py", line 1, in call' for number in (7, 8)]
    wide = shortened(text, 480).split("\n…\n")
    assert len(wide[0]) == 120
    assert wide[-1].endswith("e" * 200)


class Named:
    """A value that JSON does not know."""

    def __str__(self) -> str:
        return "its text"


class Whole(int):
    """A number that only looks like JSON's."""


@pytest.mark.parametrize(
    "value, expected",
    [
        (None, None),
        (True, True),
        (Whole(3), 3),
        (1.5, 1.5),
        (math.inf, "infinite"),
        (-math.inf, "minus infinite"),
        (math.nan, "not a number"),
        ((1, [math.nan]), [1, ["not a number"]]),
        (OrderedDict({1: (2,), None: Named()}), {"1": [2], "None": "its text"}),
        (datetime(2026, 1, 7, tzinfo=UTC), "2026-01-07 00:00:00+00:00"),
    ],
)
def test_a_value_becomes_what_strict_json_can_hold(value: object, expected: object) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("value, depth", [(1, 0), ([], 0), ([[]], 1), ({"a": [1, {"b": 2}]}, 2), ([1, [2, [3]]], 2)])
def test_nesting_is_counted_below_the_value_itself(value: object, depth: int) -> None:
    assert not is_deeper(value, depth)
    assert depth == 0 or is_deeper(value, depth - 1)


def test_a_number_that_is_not_finite_has_a_word_and_no_value() -> None:
    assert [finite(value) for value in (None, 1.5, math.inf, math.nan)] == [None, 1.5, None, None]
    assert [word_for(value) for value in (math.inf, -math.inf)] == ["infinite", "minus infinite"]
