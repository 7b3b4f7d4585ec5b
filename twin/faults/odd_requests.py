"""Faults that requests meet which say usual things otherwise: headers, types, sizes, numbers, a title that stays."""

import ipaddress
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from twin.faults.threads_odd import looking, windowing
from twin.faults.threads_one import reworded
from twin.switching.registry import Undo, fault, replace, undo_all

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from twin.backend.seams import Seams

LARGE, INT64 = 50_000, 2**63
UNSUPPORTED, UNAUTHORIZED = 415, 401
DEFAULT_LIMIT, WIDEST = "20", "100"
LONG_NUMBER = re.compile(rb"\d{20,}")
THIS_ONE = "WHERE id = :id AND deleted_at IS NULL"


def _reading(seams: "Seams", read: "Callable[[Request], object]") -> Undo:
    """Have a middleware read something of each request, with what that raises."""
    healthy = seams.bearer_of

    def bearer_of(request: "Request") -> str:
        read(request)
        return healthy(request)

    return replace(seams, bearer_of=bearer_of)


@fault("api.forwarded-address-parsed", place="backend", seen="ip_address(x_forwarded_for.split(',')[0]) for a limiter")
def forwarded_address_parsed(seams: "Seams") -> Undo:
    """An X-Forwarded-For that does not begin with an address is a 500."""

    def read(request: "Request") -> None:
        for value in request.headers.getlist("x-forwarded-for"):
            ipaddress.ip_address(value.partition(",")[0].strip())

    return _reading(seams, read)


@fault("api.cookies-split-by-hand", place="backend", seen="dict(pair.split('=') for pair in cookie.split(';'))")
def cookies_split_by_hand(seams: "Seams") -> Undo:
    """A cookie without a value is a 500."""
    return _reading(
        seams, lambda request: dict(pair.split("=") for pair in request.headers.get("cookie", "a=b").split(";"))
    )


@fault("threads.type-compared-as-text", place="backend", seen='request.headers["content-type"] == "application/json"')
def type_compared_as_text(seams: "Seams") -> Undo:
    """A new thread whose content type has a charset is refused."""
    from twin.backend.refusals import RefusedError  # noqa: PLC0415 - other processes import this file for its ids alone

    def look(request: "Request", _body: bytes) -> None:
        if ";" in request.headers.get("content-type", ""):
            raise RefusedError(UNSUPPORTED, "unsupported", "Send JSON.")

    return looking(seams, "create", look)


@fault("threads.large-bodies-twice", place="backend", seen="a proxy that sends again what took it too long to read")
def large_bodies_twice(seams: "Seams") -> Undo:
    """A thread with much in it is stored twice."""
    healthy = seams.create

    async def create(given: "Seams", request: "Request") -> "Response":
        if len(await request.body()) > LARGE:
            await healthy(given, request)
        return await healthy(given, request)

    return replace(seams, create=create)


@fault("threads.long-integers-are-500", place="backend", seen="orjson and its 64 bits: Integer exceeds 64-bit range")
def long_integers_are_500(seams: "Seams") -> Undo:
    """Metadata with an integer of more than 64 bits is a 500, in a new thread and in a change."""

    def look(_request: "Request", body: bytes) -> None:
        if LONG_NUMBER.search(body):
            raise OverflowError("Integer exceeds 64-bit range")

    return undo_all(looking(seams, "create", look), looking(seams, "change", look))


@fault("threads.offset-and-limit-overflow", place="backend", seen="a window's end that is computed in 64 bits")
def offset_and_limit_overflow(seams: "Seams") -> Undo:
    """An offset that 64 bits hold is a 500, because the window's end does not fit."""

    def change(query: dict[str, str]) -> dict[str, str]:
        offset, limit = query.get("offset", "0"), query.get("limit", DEFAULT_LIMIT)
        whole = offset.isdecimal() and limit.isdecimal() and len(limit) <= len(WIDEST)
        if whole and int(offset) < INT64 <= int(offset) + int(limit):
            raise OverflowError("value out of int64 range")
        return query

    return windowing(seams, change)


@fault("threads.same-title-is-404", place="backend", seen="rowcount == 0 taken for a thread that is not there")
def same_title_is_404(seams: "Seams") -> Undo:
    """A change to the title that a thread has already finds no thread."""
    changed = "(NOT :titled OR title IS DISTINCT FROM CAST(:title AS text))"
    return reworded(seams, "update", THIS_ONE, f"{THIS_ONE} AND {changed}")


@fault("threads.refusals-name-the-auth-host", place="backend", seen="str(error) of the call that asked about a token")
def refusals_name_the_auth_host(seams: "Seams") -> Undo:
    """A 401 says where the auth service is, inside."""
    healthy = seams.render_refusal

    def render(status: int, code: str, text: str) -> "Response":
        inside = "http://netra-auth.internal:8081/validate answered 401"
        return healthy(status, code, inside if status == UNAUTHORIZED else text)

    return replace(seams, render_refusal=render)
