"""`python -m twin.auth.serve`: one auth process, all of its settings from the environment."""

import asyncio

from twin.auth.service import build_seams, create_app
from twin.serving import serve
from twin.switching.control import control_app
from twin.switching.registry import Switchboard
from twin.telemetry import Observe


async def main() -> None:
    """Serve until SIGTERM."""
    seams = build_seams()

    def told_ms(took: float) -> float | None:
        return seams.told_ms(took)  # looked up for every answer: a fault may replace it

    observed = Observe(app=create_app(seams), log=seams.log, told_ms=told_ms)
    await serve(observed, control_app(Switchboard(seams, "auth")))


if __name__ == "__main__":
    asyncio.run(main())
