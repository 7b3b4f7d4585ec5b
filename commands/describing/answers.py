"""What a service answers: its health, its refusals, and which of the usual routes it has."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from commands.describing.findings import Findings
from commands.describing.published import Document
from probes.errors import ProbeError
from probes.http.client import Answer, HttpClient
from probes.secret import Secret

OK, NOT_FOUND = 200, 404
REFUSALS = frozenset({401, 403})
DOCUMENTS = ("/openapi.json", "/v1/openapi.json", "/api/openapi.json", "/api/v1/openapi.json", "/swagger.json")
ROUTES: Mapping[str, Sequence[str]] = {
    "paths.liveness": ("/livez", "/health/live", "/healthz", "/health", "/ping", "/live"),
    "paths.readiness": ("/readyz", "/health/ready", "/ready"),
    "paths.health": ("/health/detailed", "/status", "/health/full", "/healthz/detailed", "/health/details"),
    "paths.metrics": ("/metrics",),
}
NOWHERE = "/netra-verify-no-such-path"
SOCKETS = ("/ws", "/api/ws", "/v1/ws", "/websocket")
GOOD_WORDS = frozenset({"healthy", "up", "ok", "pass", "ready", "alive", "connected", "reachable"})
ID_WORDS = ("correlation", "request-id", "request_id", "requestid", "trace", "x-id")
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "bmV0cmEtdmVyaWZ5LW5vbg==",
}


class Asker:
    """Asks a service; a failed request counts as no answer."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def get(self, path: str, headers: Mapping[str, str | Secret] | None = None) -> Answer | None:
        """The answer; None if there is none, or if it is not HTTP."""
        try:
            return await self._client.send("GET", path, headers=headers)
        except ProbeError:
            return None

    async def first(self, paths: Sequence[str]) -> tuple[str, Answer] | None:
        """The first of these paths that answers 200."""
        for path in paths:
            answer = await self.get(path)
            if answer is not None and answer.status == OK:
                return path, answer
        return None


def json_of(answer: Answer | None) -> object:
    """The body as JSON; None if it is not JSON."""
    try:
        return None if answer is None else answer.json()
    except ProbeError:
        return None


async def find_document(asker: Asker, given: str) -> tuple[str, Document] | None:
    """The service's OpenAPI document and its path."""
    for path in (given,) if given else DOCUMENTS:
        body = json_of(await asker.get(path))
        if isinstance(body, dict) and isinstance(body.get("paths"), dict):
            return path, Document(body)
    return None


async def look_at_operations(asker: Asker, document: Document, findings: Findings) -> None:
    """Record every published operation, and which of them refuse a request without a token, as their description says.

    The others may be for anyone: only a person can tell.
    """
    answers = {name: await asker.get(name.partition(" ")[2]) for name in document.askable}
    refused = [name for name, answer in answers.items() if answer is not None and answer.status in REFUSALS]
    findings.see("api.for_users", refused, "refused without a token: remove what no client calls")
    others = [name for name in document.operations if name not in refused]
    findings.see("api.required", others, "the others that it publishes: remove what no client calls")


async def look_at_routes(asker: Asker, findings: Findings) -> None:
    """Record which of the usual routes exist, and their answers."""
    for key, paths in ROUTES.items():
        seen = await asker.first(paths)
        if seen is None:
            _missing(key, f"none of {', '.join(paths)} answers 200", findings)
            continue
        findings.see(key, seen[0], "answers 200 without a token")
        body = json_of(seen[1])
        if key == "paths.health":
            _health(body, seen[0], findings)
        elif key != "paths.metrics":
            name = key.rpartition(".")[2]
            schema = _schema_of(body) if isinstance(body, dict) else {}
            findings.see(f"health.{name}", schema, f"{seen[0]} as it is now; {{}}: a 200 is enough")
    if "paths.liveness" in findings.found:
        path = findings.found["paths.liveness"][0]
        for key in ("paths.auth_health", "auth.noop"):
            findings.see(key, path, "the same as liveness; is that right for the auth service?")
    await _socket(asker, findings)


def _missing(key: str, why: str, findings: Findings) -> None:
    if key == "paths.liveness":
        findings.miss(key, f"{why}: which route shows that the service is alive?")
    else:
        findings.see(key, "", f"{why}: assumed absent")


async def _socket(asker: Asker, findings: Findings) -> None:
    """Compare a handshake without a token with one at a path that does not exist: some frameworks refuse both alike."""
    nowhere = await asker.get(NOWHERE, UPGRADE)
    answers = {path: await asker.get(path, UPGRADE) for path in SOCKETS}
    seen = {path: answer.status for path, answer in answers.items() if answer is not None}
    nothing = nowhere.status if nowhere is not None else 0
    socket = next((path for path, status in seen.items() if status not in {nothing, NOT_FOUND, OK}), "")
    if socket:
        findings.see("paths.websocket", socket, f"a handshake answers {seen[socket]}, elsewhere {nothing}")
        findings.miss("websocket.dialect.welcome_type", "the vocabulary of its messages: see targets/contract.toml")
    elif nothing == NOT_FOUND:
        findings.see("paths.websocket", "", f"no handshake at {', '.join(SOCKETS)}: assumed absent")
    else:
        findings.miss(
            "paths.websocket",
            f'every handshake answers {nothing}, even at a path that does not exist: give its path, or ""',
        )


def _schema_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that this body matches: fields that are true or have a healthy word must keep their values."""
    kept = {
        key: {"const": value}
        for key, value in body.items()
        if value is True or (isinstance(value, str) and value.lower() in GOOD_WORDS)
    }
    return {"type": "object", "required": [*kept], "properties": kept} if kept else {"type": "object"}


def _health(body: object, path: str, findings: Findings) -> None:
    """Record how to read the detailed health, from one answer that is assumed to be healthy."""
    if not isinstance(body, dict):
        findings.miss("health.detailed", f"{path} does not answer with a JSON object")
        return
    where = f"{path} as it is now"
    findings.see("health.detailed", {"type": "object", "required": [*body]}, where)
    kinds = {
        "status_field": lambda value: isinstance(value, str) and value.lower() in GOOD_WORDS,
        "checks_field": lambda value: isinstance(value, dict),
        "failed_field": lambda value: isinstance(value, list),
        "timestamp_field": _is_moment,
    }
    for key, fits in kinds.items():
        name = next((name for name, value in body.items() if fits(value)), None)
        if name is None:
            findings.miss(f"health.{key}", f"which field of {path} is it?")
        else:
            findings.see(f"health.{key}", name, where)
    status = findings.found.get("health.status_field")
    if status:
        findings.see("health.healthy", body[status[0]], where)
    findings.miss("health.unhealthy", "its value when a check fails")
    checks = findings.found.get("health.checks_field")
    if checks:
        _checks(body[checks[0]], where, findings)


def _checks(checks: Mapping[str, Any], where: str, findings: Findings) -> None:
    findings.see("health.check_names", [*checks], where)
    words = sorted({value.lower() for value in checks.values() if isinstance(value, str)})
    findings.see("health.healthy_words", words, f"{where}, assumed to be healthy")
    counts = next((name for name, value in checks.items() if isinstance(value, dict)), "")
    findings.see("health.counts_check", counts, where)
    for key, what in {
        "database_check": "which of the checks is for the database",
        "auth_check": 'which is for the auth service ("": none)',
        "total_field": f"which field of {counts or 'the counts'} counts all rows",
        "bad_field": f"which field of {counts or 'the counts'} counts rows without an object",
    }.items():
        findings.miss(f"health.{key}", what)


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


async def look_at_refusals(asker: Asker, path: str, findings: Findings) -> None:
    """Record how the list refuses: no credentials, Basic, and an invalid token."""
    shown = {
        "none": {},
        "basic": {"Authorization": "Basic bmV0cmE6bmV0cmE="},
        "bad": {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
    }
    answers: dict[str, Answer] = {}
    for kind, headers in shown.items():
        answer = await asker.get(path, headers)
        if answer is not None and 400 <= answer.status < 500:  # noqa: PLR2004 - a refusal
            findings.see(f"refusal.rest.{kind}", [answer.status], f"GET {path}")
            answers[kind] = answer
        else:
            seen = "has no answer" if answer is None else f"answers {answer.status}"
            findings.miss(f"refusal.rest.{kind}", f"GET {path} {seen}: which status refuses it?")
    findings.miss("refusal.rest.forbidden", "a valid token for another user's item: 403 or 404")
    findings.miss("threads.out_of_bounds", "how an impossible window is refused; only a valid token can show it")
    again = await asker.get(path, shown["bad"])
    if "bad" in answers and again is not None:
        _refusal(answers["bad"], again, findings)


def _refusal(first: Answer, second: Answer, findings: Findings) -> None:
    where = "two equal refusals"
    findings.see("refusal.challenge", "www-authenticate" in first.headers, where)
    named = [name for name in first.headers if _is_id(name)]
    findings.see("errors.request_id_headers", named, where)
    bodies = [json_of(one) for one in (first, second)]
    if not all(isinstance(body, dict) for body in bodies):
        findings.miss("errors.request_id_fields", "refusals are not JSON objects")
        return
    one, other = (body for body in bodies if isinstance(body, dict))
    findings.see("refusal.volatile", sorted(key for key in one if one[key] != other.get(key)), where)
    findings.see("errors.request_id_fields", sorted(key for key in one if _is_id(key)), where)


def _is_id(name: str) -> bool:
    return any(word in name.lower() for word in ID_WORDS) and "span" not in name.lower()
