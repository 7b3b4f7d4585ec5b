"""Faults of times: what the list is ordered by, what a change and a visit write, and how a time is shown."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from twin.faults.threads_one import OK, afterwards, reworded
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams
    from twin.backend.threads import Window

HOUR_S, MINUTE_S = 3600, 60
SUMMER = range(4, 10)  # months
PLACED = "SELECT id FROM threads WHERE id = ANY(:ids) ORDER BY ctid DESC"
VISITED = "UPDATE threads SET updated_at = now() WHERE id = :id"


@fault("threads.ordered-by-the-minute", place="backend", seen="a column that keeps minutes, or an index on them")
def ordered_by_the_minute(seams: "Seams") -> Undo:
    """Threads of one minute come in the order of their ids."""
    return replace(seams.repository, order="date_trunc('minute', updated_at) DESC NULLS LAST, id DESC")


@fault("threads.no-tie-break", place="backend", seen="ORDER BY updated_at DESC, and nothing else")
def no_tie_break(seams: "Seams") -> Undo:
    """Threads of one time come in the order in which the table holds them, as without an index that has the id too."""
    from sqlalchemy import text  # noqa: PLC0415 - other processes import this file for its ids alone

    healthy = seams.find_threads

    async def find(given: "Seams", user: str, window: "Window") -> list[dict[str, Any]]:
        rows = await healthy(given, user, window)
        async with given.store.engine.connect() as connection:
            found = await connection.execute(text(PLACED), {"ids": [row["id"] for row in rows]})
            places = {each: place for place, each in enumerate(found.scalars())}
        oldest = datetime.min.replace(tzinfo=UTC)
        rows.sort(key=lambda row: places.get(row["id"], 0))
        return sorted(rows, key=lambda row: row["updated_at"] or oldest, reverse=True)

    return replace(seams, find_threads=find)


@fault("threads.rename-two-hours-ahead", place="backend", seen="datetime.now() of a zone, written as UTC")
def rename_ahead(seams: "Seams") -> Undo:
    """The time of a change is two hours from now."""
    return reworded(seams, "update", "updated_at = now()", "updated_at = now() + interval '2 hours'")


@fault("threads.read-marks-it-changed", place="backend", seen="last_seen kept in updated_at")
def read_marks_it_changed(seams: "Seams") -> Undo:
    """A thread that is read is the newest of the list."""
    from sqlalchemy import text  # noqa: PLC0415 - as above

    async def visit(given: "Seams", _request: "Request", answer: Response) -> Response:
        if answer.status_code == OK:
            async with given.store.engine.begin() as connection:
                await connection.execute(text(VISITED), {"id": json.loads(bytes(answer.body))["id"]})
        return answer

    return afterwards(seams, "read", visit)


def _validated_by(seams: "Seams", state: Callable[[list[dict[str, Any]]], object]) -> Undo:
    """Answer 304 to a browser that kept a list, as long as `state(items)` is the same."""
    healthy = seams.after

    async def after(request: "Request", response: Response) -> Response:
        response = await healthy(request, response)
        if request.url.path != "/api/threads" or request.method != "GET" or response.status_code != OK:
            return response
        tag = f'W/"{state(json.loads(bytes(response.body)))}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        response.headers["ETag"] = tag
        return response

    return replace(seams, after=after)


@fault("threads.list-validated-by-the-minute", place="backend", seen="an ETag made of the time, cut to minutes")
def validated_by_the_minute(seams: "Seams") -> Undo:
    """A list that changed within the minute is answered 304 to a browser that kept it."""
    return _validated_by(seams, lambda _items: int(datetime.now(UTC).timestamp()) // MINUTE_S)


@fault("threads.list-validated-by-its-newest", place="backend", seen="an ETag made of the newest thread's id and time")
def validated_by_its_newest(seams: "Seams") -> Undo:
    """A list that lost an older thread is answered 304 to a browser that kept it."""
    return _validated_by(seams, lambda items: [items[0]["id"], items[0]["updated_at"]] if items else "")


@fault("threads.an-hour-off-in-summer", place="backend", seen="times converted with today's offset of the zone")
def off_in_summer(seams: "Seams") -> Undo:
    """Times of the summer are shown an hour late."""
    healthy = seams.render_thread

    def shown(seconds: int | None) -> int | None:
        summer = seconds is not None and datetime.fromtimestamp(seconds, UTC).month in SUMMER
        return seconds + HOUR_S if summer and seconds is not None else seconds

    def render(row: dict[str, Any]) -> dict[str, Any]:
        item = healthy(row)
        return {**item, **{name: shown(item[name]) for name in ("created_at", "updated_at")}}

    return replace(seams, render_thread=render)
