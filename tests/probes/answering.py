"""A server on loopback that answers what a test scripted, request by request, and remembers what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import Quiet, answering_with


@dataclass(slots=True)
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Script:
    """What comes next: (status, body) pairs; the last one is repeated. A body that is not bytes is sent as JSON."""

    answers: list[tuple[int, Any]]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def next(self, asked: Asked) -> tuple[int, bytes]:
        """Answer one request."""
        self.asked.append(asked)
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()


@contextmanager
def answering(*answers: tuple[int, Any]) -> Iterator[Script]:
    """Serve a script until the block ends."""
    script = Script(list(answers))

    class Handler(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, body = script.next(Asked(self.path, dict(self.headers), self.rfile.read(length)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the names that the base class asks for

    with answering_with(Handler) as script.url:
        yield script
