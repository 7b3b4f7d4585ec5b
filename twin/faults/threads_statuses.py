"""Faults of the status that a route of threads answers with: another one than the body and the deed deserve."""

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from twin.backend.refusals import RefusedError
from twin.backend.thread_routes import user_of
from twin.faults.threads_one import afterwards
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams

OK, CREATED, ACCEPTED, NOT_AUTHORITATIVE, PARTIAL = 200, 201, 202, 203, 206
UNAUTHORIZED, UNPROCESSABLE = 401, 422


def _answering(seams: "Seams", step: str, status: int) -> Undo:
    """Have a route do what it does, and answer with its body under another status."""

    async def alter(_given: "Seams", _request: "Request", answer: Response) -> Response:
        answer.status_code = status
        return answer

    return afterwards(seams, step, alter)


@fault("threads.create-is-accepted", place="backend", seen="202 for what is done already: a client waits for an event")
def create_is_accepted(seams: "Seams") -> Undo:
    """Create stores the thread, answers with it, and says that it will be done later."""
    return _answering(seams, "create", ACCEPTED)


@fault("threads.rename-is-accepted", place="backend", seen="202, because the search index follows later")
def rename_is_accepted(seams: "Seams") -> Undo:
    """A change is carried out, and the answer says that it will be."""
    return _answering(seams, "change", ACCEPTED)


@fault("threads.read-by-a-proxy", place="backend", seen="203, because a proxy in between has changed a header")
def read_by_a_proxy(seams: "Seams") -> Undo:
    """A thread comes under 203, as from a source that is not the service."""
    return _answering(seams, "read", NOT_AUTHORITATIVE)


@fault("threads.messages-are-partial", place="backend", seen="206 for a window, as for a range of bytes")
def messages_are_partial(seams: "Seams") -> Undo:
    """Messages come under 206, which a client's library takes for an error."""
    return _answering(seams, "list_messages", PARTIAL)


@fault("threads.list-is-partial", place="backend", seen="206 for a window, as for a range of bytes")
def list_is_partial(seams: "Seams") -> Undo:
    """The list comes under 206."""

    async def after(_request: "Request", response: Response) -> Response:
        response.status_code = PARTIAL
        return response

    return replace(seams, after=after)


@fault("threads.archive-looks-again", place="backend", seen="a refresh of the object after the delete")
def archive_looks_again(seams: "Seams") -> Undo:
    """A thread is archived, then looked for once more, and the answer is 404."""

    async def alter(given: "Seams", request: "Request", answer: Response) -> Response:
        given.access(await given.store.find(request.path_params["thread_id"], await user_of(given, request)))
        return answer

    return afterwards(seams, "archive", alter)


def _refusing_drafts(seams: "Seams", answer: Callable[[], Response]) -> Undo:
    """Answer what create refuses to store with `answer` in place of the refusal."""
    healthy = seams.create

    async def create(given: "Seams", request: "Request") -> Response:
        try:
            return await healthy(given, request)
        except RefusedError as error:
            if error.status != UNPROCESSABLE:
                raise
            return answer()

    return replace(seams, create=create)


@fault("threads.bad-body-is-created", place="backend", seen="validation moved into a background task")
def bad_body_is_created(seams: "Seams") -> Undo:
    """A body that can't be stored is answered with the id of a thread that there will never be."""

    def answer() -> Response:
        return JSONResponse({"id": f"thread_{uuid.uuid4().hex}", "object": "thread"}, CREATED)

    return _refusing_drafts(seams, answer)


@fault("threads.bad-body-is-401", place="backend", seen="one except around a whole route, which answers 401")
def bad_body_is_401(seams: "Seams") -> Undo:
    """A client that sends a bad body is logged out."""
    refuse = seams.render_refusal
    return _refusing_drafts(seams, lambda: refuse(UNAUTHORIZED, "unauthorized", "Authentication is required."))


@fault("threads.errors-under-200", place="backend", seen="an envelope with a code of its own, always under 200")
def errors_under_200(seams: "Seams") -> Undo:
    """Every refusal says in its body what it is, and 200 in its status."""
    healthy = seams.render_refusal

    def render(status: int, code: str, text: str) -> Response:
        answer = healthy(status, code, text)
        answer.status_code = OK
        return answer

    return replace(seams, render_refusal=render)
