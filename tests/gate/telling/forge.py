"""A small forge on loopback, as GitHub, GitLab and a webhook answer: what is posted is kept, and listed by pages."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loopback import Quiet, answering_with

PER_PAGE = 100


@dataclass(slots=True, kw_only=True)
class Forge:
    """What it holds: posted bodies by path, remarks by their list's path, and what it is to do."""

    url: str = ""
    posted: list[tuple[str, str, Any]] = field(default_factory=list)  # method, path, body
    remarks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    answers: int = 0  # a status that everything is answered with; 0: as it should be
    hangs_s: float = 0.0

    def take(self, method: str, path: str, body: Any, page: int) -> Any:  # noqa: ANN401 - JSON
        """The answer to one request."""
        if method == "GET":
            return self.remarks.get(path, [])[(page - 1) * PER_PAGE : page * PER_PAGE]
        self.posted.append((method, path, body))
        if method == "POST" and path.endswith(("/comments", "/notes")):
            remarks = self.remarks.setdefault(path, [])
            remarks.append({"id": 1000 + len(remarks), **body})
            return remarks[-1]
        changed = re.search(r"/(\d+)$", path)
        for remark in (remark for remarks in self.remarks.values() for remark in remarks):
            if method in {"PATCH", "PUT"} and changed and remark.get("id") == int(changed[1]):
                remark.update(body)
        return {}


@contextmanager
def forge() -> Iterator[Forge]:
    """A forge that answers until the end."""
    held = Forge()

    class Handler(Quiet, BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            time.sleep(held.hangs_s)
            held.tokens.append(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "")
            asked = urlsplit(self.path)
            page = int(parse_qs(asked.query).get("page", ["1"])[0])
            said = held.take(self.command, asked.path, body, page) if not held.answers else {"message": "no"}
            raw = json.dumps(said).encode()
            with suppress(ConnectionError):  # who asked has given up
                self.send_response(held.answers or 200)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - http.server's own names

    with answering_with(Handler) as held.url:
        yield held
