"""Further read-only operations of the published API: small, plain, and each a route that a browser uses."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams

VERSION = "1.0.0"
SERVICE = "netra-ai-platform"


@dataclass(frozen=True, slots=True)
class Operation:
    """A GET without parameters: who may ask, and what is answered."""

    for_anyone: bool
    answer: Callable[["Seams", "Identity | None"], Awaitable[Any]]


async def _profile(_seams: "Seams", identity: "Identity | None") -> Any:  # noqa: ANN401 - JSON, as below
    return {"user_id": identity.user_id, "email": identity.email} if identity else {}


async def _public_config(seams: "Seams", _identity: "Identity | None") -> Any:  # noqa: ANN401 - JSON
    return {"environment": seams.environment, "websocket_path": "/ws", "version": VERSION}


async def _socket_config(_seams: "Seams", _identity: "Identity | None") -> Any:  # noqa: ANN401 - JSON
    return {"heartbeat_interval": 30, "max_message_size": 8192, "subprotocols": ["jwt-auth"]}


async def _agents(seams: "Seams", _identity: "Identity | None") -> Any:  # noqa: ANN401 - JSON
    return [{"name": "supervisor", "available": seams.sessions.supervisor() is not None}]


async def _tabs(seams: "Seams", identity: "Identity | None") -> Any:  # noqa: ANN401 - JSON
    return {"open": len(seams.sessions.hub.recipients(identity.user_id)) if identity else 0}


async def _information(seams: "Seams", _identity: "Identity | None") -> Any:  # noqa: ANN401 - JSON
    return {"service": SERVICE, "version": VERSION, "environment": seams.environment}


OPERATIONS: Mapping[str, Operation] = {
    "/api/users/profile": Operation(for_anyone=False, answer=_profile),
    "/api/users/sessions": Operation(for_anyone=False, answer=_tabs),
    "/api/agents": Operation(for_anyone=False, answer=_agents),
    "/api/config/public": Operation(for_anyone=True, answer=_public_config),
    "/api/config/websocket": Operation(for_anyone=True, answer=_socket_config),
    "/api/system/info": Operation(for_anyone=True, answer=_information),
}
