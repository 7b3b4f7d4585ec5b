"""Has a connection pool find out cheaply which of its idle connections the server has closed.

Before and after each request, httpcore looks at every idle connection. Through anyio, each look collects all attributes
of a socket, its peer's address included: with twenty idle connections that was a third of the time of a request.
"""

import select
from typing import Any

READABLE = "is_readable"  # httpcore's name for it: of an idle connection, that the server has closed it


def remember_sockets(backend: Any) -> None:  # noqa: ANN401 - httpcore's, which is httpx' own affair
    """Have a network backend of httpcore's open streams that remember their sockets."""
    connect = backend.connect_tcp

    async def connect_tcp(*place: object, **options: object) -> object:
        return _remembering(await connect(*place, **options))

    backend.connect_tcp = connect_tcp


def _remembering(stream: Any) -> Any:  # noqa: ANN401 - as above
    ask, start_tls, socket = stream.get_extra_info, stream.start_tls, stream.get_extra_info("socket")

    def get_extra_info(info: str) -> object:
        return is_readable(socket.fileno()) if info == READABLE else ask(info)

    async def start(*context: object, **options: object) -> object:
        return _remembering(await start_tls(*context, **options))

    stream.get_extra_info, stream.start_tls = get_extra_info, start
    return stream


def is_readable(descriptor: int) -> bool:
    """Whether a read would return at once, which includes the end of the stream and a descriptor that is closed."""
    if descriptor < 0:
        return True
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(0))
