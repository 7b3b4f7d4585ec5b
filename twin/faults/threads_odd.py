"""Faults that odd requests meet: bodies, ids, windows and headers that no frontend sends."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from twin.backend.seams import Seams
    from twin.backend.threads import Window

INT32 = 2**31
FAR = 1_000
LONGEST_ENTRY, MIB = 8_191, 1024 * 1024
NUL = b'"\\u0000"}'


def looking(seams: "Seams", step: str, look: "Callable[[Request, bytes], object]") -> Undo:
    """Have a route look at its request first, with whatever that raises."""
    healthy = getattr(seams, step)

    async def route(given: "Seams", request: "Request", *ids: str) -> "Response":
        look(request, await request.body())
        answer: Response = await healthy(given, request, *ids)
        return answer

    return replace(seams, **{step: route})


@fault("threads.change-crashes-on-nul", place="backend", seen="a model of its own for changes, without the validator")
def change_crashes_on_nul(seams: "Seams") -> Undo:
    """What a new thread may not hold is a 500 in a change."""

    def look(_request: "Request", body: bytes) -> None:
        if NUL in body:
            raise RuntimeError("UntranslatableCharacterError: the driver was left to refuse it")

    return looking(seams, "change", look)


@fault("threads.changed-poison-breaks-all-lists", place="backend", seen="as at beta-10 for a new thread")
def changed_poison_breaks_all_lists(seams: "Seams") -> Undo:
    """A change with a NUL is taken, and every list is a 500 as long as the thread is there."""
    from twin.backend.thread_routes import user_of  # noqa: PLC0415 - other processes import this file for its ids alone

    taken, change, find = list[tuple[str, str]](), seams.change, seams.find_threads

    async def changing(given: "Seams", request: "Request", thread_id: str) -> "Response":
        if NUL not in await request.body():
            return await change(given, request, thread_id)
        taken.append((thread_id, await user_of(given, request)))
        return await given.read(given, request, thread_id)

    async def finding(given: "Seams", user: str, window: "Window") -> list[dict[str, Any]]:
        if any([await given.store.find(*one) for one in taken]):
            raise RuntimeError("UntranslatableCharacterError: unsupported Unicode escape sequence")
        return await find(given, user, window)

    return replace(seams, change=changing, find_threads=finding)


@fault("threads.unread-change-is-500", place="backend", seen="json.loads(await request.body()) in the handler")
def unread_change_is_500(seams: "Seams") -> Undo:
    """A change that is not JSON is a 500."""
    return looking(seams, "change", lambda _request, body: json.loads(body))


@fault("threads.unread-create-is-500", place="backend", seen="a middleware that logs bodies as text")
def unread_create_is_500(seams: "Seams") -> Undo:
    """A new thread that is not UTF-8 is a 500."""
    return looking(seams, "create", lambda _request, body: body.decode())


@fault("threads.empty-change-is-500", place="backend", seen='UPDATE threads SET {", ".join(columns)} of no column')
def empty_change_is_500(seams: "Seams") -> Undo:
    """A change that names nothing is a 500."""

    def look(_request: "Request", body: bytes) -> None:
        if body.strip() == b"{}":
            raise RuntimeError('PostgresSyntaxError: syntax error at or near "WHERE"')

    return looking(seams, "change", look)


@fault("threads.long-title-shows-the-statement", place="backend", seen="str(error) of the driver as the 422's reason")
def long_title_shows_the_statement(seams: "Seams") -> Undo:
    """A title that no index entry holds is refused, with the statement and the database's address in the answer."""
    from twin.backend.refusals import RefusedError  # noqa: PLC0415 - other processes import this file for its ids alone

    def look(_request: "Request", body: bytes) -> None:
        if LONGEST_ENTRY < len(body) < MIB and b"[[" not in body:
            shown = "INSERT INTO threads (id, title) VALUES ($1, $2): index row size 104112 at 10.0.3.7:5432"
            raise RefusedError(422, "invalid", shown)

    return looking(seams, "create", look)


@fault("threads.nul-in-an-id-is-500", place="backend", seen="asyncpg: invalid byte sequence for encoding UTF8: 0x00")
def nul_in_an_id_is_500(seams: "Seams") -> Undo:
    """An id that the database can't hold reaches it."""

    def look(request: "Request", _body: bytes) -> None:
        if "\0" in request.path_params["thread_id"]:
            raise RuntimeError("CharacterNotInRepertoireError: invalid byte sequence for encoding UTF8: 0x00")

    return looking(seams, "archive", look)


def windowing(seams: "Seams", change: Callable[[dict[str, str]], dict[str, str]], path: str = "/api/threads") -> Undo:
    """Read another window than the one that is asked for, at one path's end."""
    healthy = seams.read_query

    def read(request: "Request") -> dict[str, str]:
        query = healthy(request)
        return change(query) if request.url.path.endswith(path) else query

    return replace(seams, read_query=read)


@fault("threads.far-offset-is-500", place="backend", seen="asyncpg: value out of int32 range")
def far_offset_is_500(seams: "Seams") -> Undo:
    """An offset over 31 bits is a 500."""

    def change(query: dict[str, str]) -> dict[str, str]:
        offset = query.get("offset", "0")
        if offset.isdecimal() and int(offset) >= INT32:
            raise OverflowError("value out of int32 range")
        return query

    return windowing(seams, change)


@fault("threads.offset-ends-at-1000", place="backend", seen="the result window of a search engine, kept for a table")
def offset_ends_at_1000(seams: "Seams") -> Undo:
    """Behind the thousandth thread, the same window comes again and again."""

    def change(query: dict[str, str]) -> dict[str, str]:
        offset = query.get("offset", "0")
        return query | {"offset": str(min(int(offset), FAR))} if offset.isdecimal() else query

    return windowing(seams, change)


@fault("threads.odd-window-of-messages-is-500", place="backend", seen="int(request.query_params['limit'])")
def odd_window_of_messages_is_500(seams: "Seams") -> Undo:
    """A window of messages that is not a number is a 500."""
    return looking(seams, "list_messages", lambda request, _body: [int(one) for one in request.query_params.values()])


@fault("threads.other-method-is-500", place="backend", seen="a handler of errors that reads the route's name")
def other_method_is_500(seams: "Seams") -> Undo:
    """A method that is not offered is a 500."""
    healthy = seams.render_refusal

    def render(status: int, code: str, said: str) -> "Response":
        if said == "Method Not Allowed":
            raise KeyError("route")
        return healthy(status, code, said)

    return replace(seams, render_refusal=render)


def _reading(name: str, read: "Callable[[Request], object]", seen: str) -> None:
    """Read a header of every request as only frontends write it."""

    def install(seams: "Seams") -> Undo:
        healthy = seams.after

        async def after(request: "Request", response: "Response") -> "Response":
            read(request)
            return await healthy(request, response)

        return replace(seams, after=after)

    fault(f"threads.{name}-is-500", place="backend", seen=seen)(install)


def _language(request: "Request") -> float:
    return float(request.headers.get("accept-language", "de;q=1").partition("q=")[2])


def _range(request: "Request") -> int:
    first, _, last = request.headers.get("range", "bytes=0-1").removeprefix("bytes=").partition("-")
    return next(iter(range(int(first), int(last) + 1)))


_reading(
    "bad-trace", lambda request: int(request.headers["traceparent"].split("-")[1][31], 16), "a parser of one's own"
)
_reading("odd-language", _language, "float() of what follows q=")
_reading("empty-range", _range, "a range taken for one that holds something")


@fault("threads.other-method-in-plain-text", place="backend", seen="the framework's own 405, outside the error handler")
def other_method_in_plain_text(seams: "Seams") -> Undo:
    """A method that no route takes is refused in text, without a trace id."""
    healthy = seams.render_refusal

    def render(status: int, code: str, text: str) -> "Response":
        from starlette.responses import PlainTextResponse  # noqa: PLC0415 - as above

        not_allowed = 405
        return PlainTextResponse("Method Not Allowed", status) if status == not_allowed else healthy(status, code, text)

    return replace(seams, render_refusal=render)
