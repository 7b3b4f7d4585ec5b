"""Faults of what fix 6 promises: metrics that move, traces that arrive."""

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from starlette.requests import Request

    from twin.backend.seams import Seams
    from twin.platform.state import Platform


@fault("observability.metrics-absent", place="backend", seen="a /metrics that Fix 6 assumes, never mounted")
def absent(seams: "Seams") -> Undo:
    """404."""
    return replace(seams, expose_metrics=lambda _seams: JSONResponse({"detail": "Not Found"}, 404))


@fault("observability.metrics-frozen", place="backend", seen="metrics of the parent process, requests in the workers")
def frozen(seams: "Seams") -> Undo:
    """The exposition never changes."""
    kept: list[Response] = []
    healthy = seams.expose_metrics

    def expose(given: "Seams") -> Response:
        if not kept:
            kept.append(healthy(given))
        return kept[0]

    return replace(seams, expose_metrics=expose)


@fault("observability.metrics-malformed", place="backend", seen="a dashboard's HTML under /metrics")
def malformed(seams: "Seams") -> Undo:
    """The answer is not in the Prometheus format."""
    return replace(seams, expose_metrics=lambda _seams: HTMLResponse("<html>{http_requests 5}</html>"))


@fault("observability.metrics-by-path", place="backend", seen="request.url.path for a label")
def by_path(seams: "Seams") -> Undo:
    """Requests for a thread are counted under its path, with its id."""
    asked, read, healthy = list[str](), seams.read, seams.expose_metrics

    async def reading(given: "Seams", request: "Request", thread_id: str) -> Response:
        asked.append(thread_id)
        return await read(given, request, thread_id)

    def expose(given: "Seams") -> Response:
        answer = healthy(given)
        text = bytes(answer.body).decode()
        if asked:
            text = text.replace('/api/threads/{thread_id}"', f'/api/threads/{asked[-1]}"')
        return Response(text, answer.status_code, media_type=answer.media_type)

    return replace(seams, read=reading, expose_metrics=expose)


def _reworded(seams: "Seams", before: str, after: str) -> Undo:
    """The exposition says one thing for another."""
    healthy = seams.expose_metrics

    def expose(given: "Seams") -> Response:
        answer = healthy(given)
        text = bytes(answer.body).decode().replace(before, after)
        return Response(text, answer.status_code, media_type=answer.media_type)

    return replace(seams, expose_metrics=expose)


@fault("observability.metrics-renamed", place="backend", seen="another library's names for the same counters")
def renamed(seams: "Seams") -> Undo:
    """The requests are counted under a name that no dashboard asks for."""
    return _reworded(seams, "http_requests", "starlette_requests")


@fault("observability.metrics-without-route", place="backend", seen="a label that an upgrade calls `handler`")
def without_route(seams: "Seams") -> Undo:
    """The counter has no label `route`."""
    return _reworded(seams, "route=", "handler=")


@fault("observability.trace-dropped", place="backend", seen="a logging setup without the trace field")
def trace_dropped(seams: "Seams") -> Undo:
    """The application's lines carry no trace."""
    return replace(seams.log, with_trace=False)


@fault("observability.trace-replaced", place="platform", seen="a proxy that begins a trace of its own")
def trace_replaced(platform: "Platform") -> Undo:
    """The trace that a client sent is replaced on the way."""
    other = "f" * 32

    def rewrite(headers: dict[str, str]) -> dict[str, str]:
        return {**headers, "traceparent": f"00-{other}-{'1' * 16}-01", "x-cloud-trace-context": f"{other}/1;o=1"}

    return replace(platform, rewrite=rewrite)
