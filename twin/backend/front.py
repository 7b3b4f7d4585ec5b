"""What stands in front of the routes, and what every answer gets: HEAD, caching, the frontend's origin."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from twin.backend.seams import Seams


@dataclass(slots=True)
class Front:
    """The outermost layer but the observing one: uncaught errors pass it too, on their way out."""

    app: ASGIApp
    seams: "Seams"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; WebSockets pass untouched."""
        if scope["type"] == "http":
            await self.seams.cross_origin(self._routes)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _routes(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            scope = self.seams.as_get(scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = self.seams.cache_control(scope["path"]).encode()
                message["headers"] = [*message["headers"], (b"cache-control", said)]
            await send(message)

        await self.app(scope, receive, with_headers)


def as_get(scope: Scope) -> Scope:
    """A HEAD request as the GET whose answer it asks about; the server leaves the body out."""
    return {**scope, "method": "GET"}
