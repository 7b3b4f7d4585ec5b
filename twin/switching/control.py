"""The control app of one process of the twin: its faults, over a loopback port of its own."""

from fastapi import FastAPI, HTTPException

from twin.switching.registry import Switchboard


def control_app(switchboard: Switchboard) -> FastAPI:
    """An app with `GET /faults` (ids in force) and `PUT /faults` (body: the ids that shall be in force).

    `PUT` answers when the change is in force, 404 for an id that this process does not know.
    """
    app = FastAPI(openapi_url=None)

    @app.get("/faults")
    async def faults() -> list[str]:
        return list(switchboard.on)

    @app.put("/faults")
    async def switch(wanted: list[str]) -> list[str]:
        try:
            await switchboard.switch(wanted)
        except KeyError as error:
            raise HTTPException(404, f"no fault {error.args[0]!r} in this process") from error
        return list(switchboard.on)

    return app
