"""The control app of a process as deployed: what it does is its revision's, so no fault is switched here."""

from fastapi import FastAPI, HTTPException

ALREADY_SO = frozenset({"dependency.agent-supervisor-missing"})  # it answers in fallback mode anyway


def control_app() -> FastAPI:
    """An app with the routes that the stack asks of every process; PUT answers 404 for any fault."""
    app = FastAPI(openapi_url=None)

    @app.get("/faults")
    async def faults() -> list[str]:
        return []

    @app.put("/faults")
    async def switch(wanted: list[str]) -> list[str]:
        for one in wanted:
            if one not in ALREADY_SO:
                raise HTTPException(404, f"no fault {one!r} can be switched in this state")
        return []

    return app
