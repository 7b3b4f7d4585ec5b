"""A collector of OTLP spans on loopback that decodes what it is sent, or misbehaves as a test wants."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.loopback import Quiet, answering_with


@dataclass(slots=True)
class Collector:
    """What came."""

    url: str = ""
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        """Every span, in the order sent."""
        return [
            span
            for one in self.requests
            for part in one.resource_spans
            for scope in part.scope_spans
            for span in scope.spans
        ]

    @property
    def resource(self) -> dict[str, Any]:
        """The attributes of the resource."""
        return read(self.requests[0].resource_spans[0].resource.attributes)


def read(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - protobuf's repeated KeyValue
    """Attributes as Python values."""
    return {one.key: _value(one.value) for one in attributes}


def _value(value: AnyValue) -> Any:  # noqa: ANN401 - whatever it holds
    kind = str(value.WhichOneof("value"))
    return [_value(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    """Serve `POST /v1/traces` with this status."""
    kept = Collector()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.paths.append(self.path)
            kept.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with answering_with(Handler) as kept.url:
        yield kept


@contextmanager
def silent() -> Iterator[str]:
    """Accept connections and never answer; yields the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def dripping() -> Iterator[str]:
    """Answer with a header now and then, for ever: no read of it ever times out."""
    ended = threading.Event()

    def drip(client: socket.socket) -> None:
        with client:
            client.sendall(b"HTTP/1.1 200 OK\r\n")
            while not ended.is_set():
                try:
                    client.sendall(b"X-More: 1\r\n")
                except OSError:
                    return
                time.sleep(0.2)  # the drip itself

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while not ended.is_set():
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=drip, args=(client,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        ended.set()
