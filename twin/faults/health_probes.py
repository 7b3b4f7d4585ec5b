"""Faults of the two short health answers: the one that keeps a process alive, and the one that gives it traffic."""

import asyncio
import time
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from twin.backend.health import Check
    from twin.backend.seams import Seams

HELD_S, BLOCKED_S = 0.05, 0.3


def _answering(seams: "Seams", which: str, code: int, status: str) -> Undo:
    """Have one of the two answer with a code, and with another word for its status."""
    healthy = seams.answer_probe

    def answer(probe: str, body: dict[str, Any], own_code: int) -> Response:
        if probe != which:
            return healthy(probe, body, own_code)
        return JSONResponse(body | {"status": status}, code)

    return replace(seams, answer_probe=answer)


@fault("health.each-third-readiness-503", place="backend", seen="one of three workers that never opened its pool")
def each_third_readiness_503(seams: "Seams") -> Undo:
    """Each third answer to readiness is a 503."""
    healthy, number = seams.answer_probe, count(1)

    def answer(probe: str, body: dict[str, Any], code: int) -> Response:
        refused = probe == "readiness" and next(number) % 3 == 0
        return JSONResponse(body | {"status": "not_ready"}, 503) if refused else healthy(probe, body, code)

    return replace(seams, answer_probe=answer)


@fault(
    "health.liveness-says-starting",
    place="backend",
    seen="a start-up that is never marked as done",
)
def liveness_says_starting(seams: "Seams") -> Undo:
    """It answers 200, and says that it is still starting."""
    return _answering(seams, "liveness", 200, status="starting")


@fault("health.liveness-degraded", place="backend", seen="a third word that every monitor takes for healthy")
def liveness_degraded(seams: "Seams") -> Undo:
    """It answers 200, and says that it is degraded."""
    return _answering(seams, "liveness", 200, status="degraded")


@fault("health.readiness-never", place="backend", seen="an optional dependency that readiness waits for")
def readiness_never(seams: "Seams") -> Undo:
    """It is never ready, though everything that it needs is there."""
    return _answering(seams, "readiness", 503, status="not_ready")


@fault("health.one-asker-at-a-time", place="backend", seen="checks over the one connection that is kept for them")
def one_asker(seams: "Seams") -> Undo:
    """A request for health during another one is answered with 503."""
    healthy, asking = seams.cross_origin, [0]

    def around(app: "ASGIApp") -> "ASGIApp":
        inner = healthy(app)

        async def counted(scope: "Scope", receive: "Receive", send: "Send") -> None:
            if not scope["path"].startswith("/health"):
                await inner(scope, receive, send)
                return
            asking[0] += 1
            try:
                await asyncio.sleep(HELD_S)
                if asking[0] > 1:
                    await seams.render_refusal(503, "busy", "Being checked already.")(scope, receive, send)
                else:
                    await inner(scope, receive, send)
            finally:
                asking[0] -= 1

        return counted

    return replace(seams, cross_origin=around)


@fault("health.no-head", place="backend", seen="fastapi/fastapi#1773: a route for GET answers HEAD with 405")
def no_head(seams: "Seams") -> Undo:
    """No route has HEAD."""
    return replace(seams, as_get=lambda scope: scope)


@fault(
    "health.blocks-the-loop",
    place="backend",
    seen="AOSSIE-Org/PictoPy#1033: the health route asks a slow database without await",
)
def blocks_the_loop(seams: "Seams") -> Undo:
    """Nothing else is answered while a detailed health answer is made."""
    healthy = seams.run_checks

    async def run(checks: "Mapping[str, Check]") -> dict[str, Any]:
        if len(checks) > 1:  # the detailed answer, and not readiness
            time.sleep(BLOCKED_S)  # noqa: ASYNC251 - that it blocks the loop is the fault
        return await healthy(checks)

    return replace(seams, run_checks=run)
