"""Faults of the two short health answers: the one that keeps a process alive, and the one that gives it traffic."""

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.backend.seams import Seams


def _answering(seams: "Seams", which: str, code: int, status: str) -> Undo:
    """Have one of the two answer with a code, and with another word for its status."""
    healthy = seams.answer_probe

    def answer(probe: str, body: dict[str, Any], own_code: int) -> Response:
        if probe != which:
            return healthy(probe, body, own_code)
        return JSONResponse(body | {"status": status}, code)

    return replace(seams, answer_probe=answer)


@fault(
    "health.liveness-says-starting",
    place="backend",
    seen="a start-up that is never marked as done",
)
def liveness_says_starting(seams: "Seams") -> Undo:
    """It answers 200, and says that it is still starting."""
    return _answering(seams, "liveness", 200, status="starting")


@fault("health.readiness-never", place="backend", seen="an optional dependency that readiness waits for")
def readiness_never(seams: "Seams") -> Undo:
    """It is never ready, though everything that it needs is there."""
    return _answering(seams, "readiness", 503, status="not_ready")
