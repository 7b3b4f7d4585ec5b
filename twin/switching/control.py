"""The control app of one process of the twin: its faults, over a loopback port of its own."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from twin.switching.registry import Switchboard


def control_app(switchboard: Switchboard) -> Starlette:
    """An app with `GET /faults` (ids in force) and `PUT /faults` (body: the ids that shall be in force).

    `PUT` answers when the change is in force, 404 for an id that this process does not know. It is Starlette's and not
    FastAPI's, whose import takes half of the time that a process takes to start, and a check waits for it after an
    outage.
    """

    async def faults(_request: Request) -> JSONResponse:
        return JSONResponse(list(switchboard.on))

    async def switch(request: Request) -> JSONResponse:
        try:
            await switchboard.switch(await request.json())
        except KeyError as error:
            raise HTTPException(404, f"no fault {error.args[0]!r} in this process") from error
        return JSONResponse(list(switchboard.on))

    return Starlette(routes=[Route("/faults", faults), Route("/faults", switch, methods=["PUT"])])
