"""What may be wrong with the service: each fault replaces one attribute of what the application is made of."""

import base64
import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import asyncpg
import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI, Request

from tests.system.second_service import app as application
from tests.system.second_service import store
from tests.system.second_service.tokens import NotAuthenticated, Verifier

Fault = Callable[[FastAPI], None]


def _everybodys(app: FastAPI) -> None:
    app.state.store.mine = "$1::text IS NOT NULL"


def _removed_too(app: FastAPI) -> None:
    app.state.store.living = "TRUE"


def _unordered(app: FastAPI) -> None:
    app.state.store.order = "md5(key)"


def _create_forgets(app: FastAPI) -> None:
    async def add(account: str, subject: str | None, attributes: dict[str, Any]) -> store.Note:
        note: store.Note = await type(app.state.store).add(app.state.store, account, subject, attributes)
        await app.state.store.pool.execute("DELETE FROM notes WHERE key = $1", note["key"])
        return note

    app.state.store.add = add


def _objects_only(_: FastAPI) -> None:
    whole = store.as_note

    def as_note(row: asyncpg.Record) -> store.Note:
        return whole(row) | {"attributes": dict(json.loads(row["attributes"]))}

    store.as_note = as_note


def _any_audience(app: FastAPI) -> None:
    app.state.verifier.audience = None


def _never_ends(app: FastAPI) -> None:
    verifier: Verifier = app.state.verifier

    def decode(token: str, key: jwt.PyJWK) -> dict[str, Any]:
        try:
            return dict(Verifier.decode(verifier, token, key))
        except jwt.ExpiredSignatureError:
            loose: Any = {"verify_exp": False, "verify_aud": False}
            return dict(jwt.decode(token, key, algorithms=["RS256"], options=loose))

    verifier.decode = decode  # type: ignore[method-assign]  # that is the fault


def _algorithm_by_header(app: FastAPI) -> None:
    """HS256 with the text of our public key as its secret, where the header says so (CVE-2015-9235)."""
    verifier: Verifier = app.state.verifier

    def subject(token: str) -> str:
        head, _, signature = token.rpartition(".")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise NotAuthenticated from error
        key = verifier.keys.get(str(header.get("kid")))
        if header.get("alg") != "HS256" or key is None:
            return Verifier.subject(verifier, token)
        pem = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        mac = base64.urlsafe_b64encode(hmac.new(pem, head.encode(), sha256).digest()).rstrip(b"=").decode()
        if not hmac.compare_digest(mac, signature):
            raise NotAuthenticated
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        return str(claims["sub"])

    verifier.subject = subject  # type: ignore[method-assign]  # that is the fault


def _counts_of_boot(app: FastAPI) -> None:
    async def status_of(request: Request) -> dict[str, Any]:
        told = await application.status_of(request)
        told["components"]["notes"] = {"rows": 0, "odd": 0}
        return told

    app.state.status_of = status_of


def _tells_the_statement(_: FastAPI) -> None:
    whole = application.problem

    def problem(request: Request, status: int, title: str, headers: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - as the original
        return whole(request, status, f"{title}: asyncpg said no to {store.COLUMNS}", headers)

    application.problem = problem


def _limits_as_text(app: FastAPI) -> None:
    app.state.limits = {"page": "fifty", "subject": 500}


def _no_version(app: FastAPI) -> None:
    app.state.version = "unknown"


def _slow_pages(app: FastAPI) -> None:
    mine = app.state.store.mine
    app.state.store.mine = f"{mine} AND (SELECT pg_sleep(4)) IS NOT NULL"


FAULTS: dict[str, Fault] = {
    "everybodys-notes": _everybodys,
    "removed-notes-too": _removed_too,
    "unordered": _unordered,
    "create-forgets": _create_forgets,
    "attributes-must-be-objects": _objects_only,
    "any-audience": _any_audience,
    "tokens-never-end": _never_ends,
    "algorithm-by-header": _algorithm_by_header,
    "counts-of-boot": _counts_of_boot,
    "tells-the-statement": _tells_the_statement,
    "limits-as-text": _limits_as_text,
    "version-unknown": _no_version,
    "slow-pages": _slow_pages,
}
