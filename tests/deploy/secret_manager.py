"""Secret Manager's one call that we make, and the token end point of a service account, on loopback."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.loopback import Quiet, answering_with

KEY = generate_private_key(65537, 2048)


class _Answers(Quiet, BaseHTTPRequestHandler):
    """A token for every POST, and a secret for a GET that carries the token."""

    held: Mapping[str, str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, {"access_token": "short-lived", "expires_in": 3600})

    def do_GET(self) -> None:
        name = self.path.partition("/secrets/")[2].partition("/")[0]
        if self.headers["Authorization"] != "Bearer short-lived" or not self.path.endswith("/versions/latest:access"):
            self._answer(401, {})
        elif name not in self.held:
            self._answer(403, {"error": {"status": "PERMISSION_DENIED"}})
        else:
            self._answer(200, {"payload": {"data": base64.b64encode(self.held[name].encode()).decode()}})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def secret_manager(held: Mapping[str, str], account: Path) -> Iterator[dict[str, str]]:
    """Serve these secrets, and write the account that may read them; yields the environment that leads there."""
    with answering_with(type("Answers", (_Answers,), {"held": held})) as url:
        described = {
            "type": "service_account",
            "client_email": "verify@p.invalid",
            "private_key_id": "k",
            "project_id": "p",
            "private_key": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "token_uri": f"{url}/token",
        }
        account.write_text(json.dumps(described), encoding="utf-8")
        account.chmod(0o644)
        yield {"GOOGLE_APPLICATION_CREDENTIALS": str(account), "SECRET_MANAGER_URL": url}
