"""Differences by design: which they are, and which are none any more."""

from datetime import UTC, datetime

import pytest

from targets.candidate import Compare
from targets.deviations import Accepted

TODAY = datetime.now(UTC).date()
LIST, ONE = "GET /api/threads", "GET /api/threads/{id} (thread 1)"


def rules(*listed: str) -> Compare:
    return Compare(expected=tuple(Accepted(what=one, owner="ada", reason="release 12", until=TODAY) for one in listed))


@pytest.mark.parametrize(
    "listed, name, intended",
    [
        (f"{LIST}: body[*].archived added", f"{LIST}: body[*].archived added", True),
        (f"{LIST}: body[*].archived added", f"{LIST}: body[*].archived missing", False),
        (f"{LIST}*: body[*].archived added", f"{LIST}?limit=1: body[*].archived added", True),
        (f"{LIST}*: body*.archived added", f"{ONE}: body.archived added", True),
        (f"{LIST}: body[*].archived added", f"{LIST}?limit=1: body[*].archived added", False),
        (f"{LIST}: body[x].archived added", f"{LIST}: bodyx.archived added", False),
        ("GET .api.threads: status value", f"{LIST}: status value", False),
    ],
)
def test_a_star_is_anything_and_everything_else_is_itself(listed: str, name: str, *, intended: bool) -> None:
    found = rules(listed).intended(name)
    assert (found is not None) is intended


@pytest.mark.parametrize(
    "listed, asked, named, over",
    [
        (f"{LIST}*: body*.archived added", [LIST, ONE], [f"{ONE}: body.archived added"], False),
        (f"{LIST}*: body*.archived added", [LIST, ONE], [f"{ONE}: status value"], True),
        (f"{LIST}*: body*.archived added", ["WebSocket by header"], [], False),  # another case's request
        (f"{ONE}: body.archived added", [ONE], [], True),
        ("*", [LIST], [], False),  # it names no request
    ],
)
def test_what_no_longer_differs_is_said_where_it_was_asked(
    listed: str, asked: list[str], named: list[str], *, over: bool
) -> None:
    assert [one.what for one in rules(listed).no_longer(asked, named)] == ([listed] if over else [])
