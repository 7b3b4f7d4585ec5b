"""What each route of `/api/threads` does: who asks, whose thread it is, what is answered."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from twin.backend.auth_client import AuthUnavailableError, Identity
from twin.backend.bodies import Draft
from twin.backend.refusals import RefusedError
from twin.backend.threads import MAX_LIMIT, BoundsError, Window, unix_seconds

if TYPE_CHECKING:
    from twin.backend.seams import Seams

UNAUTHORIZED, UNPROCESSABLE, UNAVAILABLE = 401, 422, 503
LONGEST_NAME = 60  # characters of what a user said that become a title
Row = dict[str, Any]


async def authenticated(seams: "Seams", request: Request) -> Identity:
    """Who asks. Raises RefusedError."""
    try:
        identity = await seams.validate(seams, seams.bearer_of(request))
    except AuthUnavailableError as error:
        seams.log.write("ERROR", "the auth service is unavailable", error)
        raise RefusedError(UNAVAILABLE, "unavailable", "Authentication is not available.") from error
    if identity is None:
        raise RefusedError(UNAUTHORIZED, "unauthorized", "Authentication is required.")
    return identity


async def user_of(seams: "Seams", request: Request) -> str:
    """The id of who asks. Raises RefusedError."""
    return seams.identify(request, await authenticated(seams, request))


def window_of(seams: "Seams", request: Request) -> Window:
    """The window that is asked for. Raises RefusedError."""
    try:
        return seams.parse_window(seams.read_query(request))
    except BoundsError as error:
        raise RefusedError(UNPROCESSABLE, "invalid_window", str(error)) from error


async def list_threads(seams: "Seams", request: Request) -> Response:
    """`GET /api/threads`: a window of the user's own."""
    identity = await authenticated(seams, request)
    window = window_of(seams, request)
    rows = await seams.find_threads(seams, seams.identify(request, identity), window)
    return JSONResponse(seams.arrange([seams.render_thread(row) for row in rows]))


async def create_thread(seams: "Seams", request: Request) -> Response:
    """`POST /api/threads`: the thread as it was stored."""
    user = await user_of(seams, request)
    return JSONResponse(seams.render_thread(await seams.store.create(user, await seams.read_draft(request))))


async def read_thread(seams: "Seams", request: Request, thread_id: str) -> Response:
    """`GET /api/threads/{id}`."""
    user = await user_of(seams, request)
    return JSONResponse(seams.render_thread(seams.access(await seams.store.find(thread_id, user))))


async def change_thread(seams: "Seams", request: Request, thread_id: str) -> Response:
    """`PUT /api/threads/{id}`: title and metadata, never the owner."""
    user = await user_of(seams, request)
    seams.access(await seams.store.find(thread_id, user))
    changed = await seams.store.update(thread_id, user, await seams.read_draft(request))
    return JSONResponse(seams.render_thread(changed))


async def archive_thread(seams: "Seams", request: Request, thread_id: str) -> Response:
    """`DELETE /api/threads/{id}`: hidden from now on, everywhere."""
    user = await user_of(seams, request)
    seams.access(await seams.store.find(thread_id, user))
    await seams.store.archive(thread_id)
    return JSONResponse({"message": "Thread archived successfully"})


async def auto_rename_thread(seams: "Seams", request: Request, thread_id: str) -> Response:
    """`POST /api/threads/{id}/auto-rename`: the first thing that its user said becomes the title."""
    user = await user_of(seams, request)
    seams.access(await seams.store.find(thread_id, user))
    return JSONResponse(seams.render_thread(await entitle(seams, thread_id, user)))


async def entitle(seams: "Seams", thread_id: str, user: str) -> Row:
    """Give a user's thread the title that its first message suggests. Raises RefusedError if there is none."""
    said = await seams.store.messages(thread_id, Window(MAX_LIMIT, 0))
    first = next((one["content"] for one in said if one["role"] == "user"), None)
    if first is None:
        raise RefusedError(UNPROCESSABLE, "nothing_said", "The thread has no message that could name it.")
    draft = Draft(titled=True, title=" ".join(str(first).split())[:LONGEST_NAME], metadata=None)
    return await seams.store.update(thread_id, user, draft)


async def list_messages(seams: "Seams", request: Request, thread_id: str) -> Response:
    """`GET /api/threads/{id}/messages`: a window of them, oldest first."""
    user = await user_of(seams, request)
    window = window_of(seams, request)
    row = seams.access(await seams.store.find(thread_id, user))
    found = await seams.store.messages(thread_id, window)
    messages = [{**one, "object": "thread.message", "created_at": unix_seconds(one["created_at"])} for one in found]
    bounds = {"limit": window.limit, "offset": window.offset, "total": row["message_count"]}
    return JSONResponse({"thread_id": thread_id, "messages": seams.arrange_messages(messages), **bounds})


async def remember(seams: "Seams", identity: Identity, thread_id: object, role: str, content: str) -> None:
    """Add a message to a thread of this user's. Raises RefusedError."""
    seams.access(await seams.store.find(str(thread_id), identity.user_id))
    await seams.store.write_message(str(thread_id), role, content)
