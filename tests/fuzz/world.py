"""A healthy service in memory: the contract's answers for every door, its sessions, its log and its platform.

Nothing of it is judged here. It answers well enough that the suites' checks get as far as they can.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

from targets.contract import Contract

SERVICE, REVISION, PROJECT = "netra-backend-staging", "netra-backend-staging-00001-abc", "netra-staging"
NAME = f"projects/{PROJECT}/locations/us-central1/services/{SERVICE}"
CREATED = datetime.now(UTC) - timedelta(hours=2)
JSON_HEADERS = {
    "content-type": "application/json",
    "server-timing": "total;dur=3.2",
    "vary": "Origin",
    "cache-control": "no-store",
}
LOGIN_KEY = "a-key"
Body = dict[str, Any] | list[Any] | str
Wire = tuple[int, dict[str, str], bytes]


def stamp(moment: datetime) -> str:
    """As the platform writes a time."""
    return moment.isoformat().replace("+00:00", "Z")


def user_of(token: str) -> str:
    """Whom a token names; empty where it is none. Whether it is signed well is not looked at."""
    try:
        return str(claims_of(token)["sub"])
    except (jwt.PyJWTError, KeyError, UnicodeEncodeError):  # the last: a lone surrogate
        return ""


def claims_of(token: str) -> dict[str, Any]:
    """What a token says. Raises PyJWTError where it is none."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


BAD_WINDOW: "tuple[int, Body]" = (
    422,
    {"detail": [{"type": "int_parsing", "loc": ["query", "limit"], "msg": "no"}], "trace_id": "abc"},
)


@dataclass
class World:
    """What there is: threads by id, and a log of every request."""

    contract: Contract
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by thread

    def answer(self, door: str, method: str, target: str, headers: Mapping[str, str], body: Any) -> Wire:  # noqa: ANN401 - a request
        """One request's answer, before it is spoiled."""
        parts = urlsplit(target)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        status, content = self._answer_of(door, method, parts.path, query, headers, body)
        told = JSON_HEADERS | {"date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}"} | self._cors(headers)
        if status == 401:
            told["www-authenticate"] = "Bearer"
        if door in {"backend", "auth"}:
            self._note(method, target, status, headers)
        return status, told, content.encode() if isinstance(content, str) else json.dumps(content).encode()

    def _answer_of(
        self,
        door: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Any,  # noqa: ANN401 - JSON
    ) -> tuple[int, Body]:
        """What a door answers. At the twin's control nothing is taken away: what is taken down goes on answering."""
        if door == "control":
            return 200, {}
        if door == "google":
            return self._of_google(path)
        if door == "auth":
            return self._of_auth(method, path, headers, body)
        return self._of_backend(method, path, query, headers, body)

    def _cors(self, headers: Mapping[str, str]) -> dict[str, str]:
        frontend = self.contract.browser.frontend
        if headers.get("origin") != frontend:
            return {}
        return {
            "access-control-allow-origin": frontend,
            "access-control-allow-credentials": "true",
            "access-control-allow-methods": "GET, POST, PUT, DELETE",
            "access-control-allow-headers": "authorization, content-type",
        }

    def _note(self, method: str, target: str, status: int, headers: Mapping[str, str]) -> None:
        trace = headers.get("x-cloud-trace-context", "").partition("/")[0]
        labels = {"service_name": SERVICE, "revision_name": REVISION}
        both = {
            "timestamp": stamp(datetime.now(UTC)),
            "trace": f"projects/{PROJECT}/traces/{trace}",
            "severity": "INFO",
            "resource": {"type": "cloud_run_revision", "labels": labels},
        }
        asked = {
            "requestMethod": method,
            "requestUrl": f"https://a.invalid{target}",
            "status": status,
            "latency": "0.01s",
            "userAgent": headers.get("user-agent", ""),
        }
        message = {"message": "served", "logging.googleapis.com/trace": trace}
        requests, output = (f"projects/{PROJECT}/logs/run.googleapis.com%2F{log}" for log in ("requests", "stdout"))
        number = len(self.log)
        self.log += [
            both
            | {"insertId": f"r{number}", "logName": requests, "httpRequest": asked, "labels": {"instanceId": "one"}},
            both | {"insertId": f"a{number}", "logName": output, "jsonPayload": message},
        ]
        del self.log[:-40]

    def _of_backend(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Any,  # noqa: ANN401 - JSON
    ) -> tuple[int, Body]:
        paths, fixed = self.contract.paths, self._fixed()
        if method == "OPTIONS":
            return 200, "OK"
        if path in fixed and path != paths.threads:
            return 200, fixed[path]
        user = user_of(headers.get("authorization", "").removeprefix("Bearer "))
        if not user:
            return 401, {"detail": "Not authenticated", "trace_id": "abc"}
        if path == paths.threads and method in {"GET", "HEAD"}:
            return self._page(user, query)
        if path.startswith(paths.threads):
            return self._one(method, path.removeprefix(paths.threads).strip("/"), user, body, query)
        return 404, {"detail": "Not Found", "trace_id": "abc"}

    def _page(self, user: str, query: Mapping[str, str]) -> tuple[int, Body]:
        window = self._window(query)
        if window is None:
            return BAD_WINDOW
        mine = [
            row | {"message_count": len(self.messages.get(row["id"], ()))}
            for row in self.rows.values()
            if row["user_id"] == user
        ]
        return 200, mine[window]

    def _window(self, query: Mapping[str, str]) -> slice | None:
        """What a window selects; None for one that can't be."""
        rules = self.contract.threads
        limit = query.get(rules.limit_parameter, str(rules.default_limit))
        offset = query.get(rules.offset_parameter, "0")
        good = limit.isdecimal() and offset.isdecimal() and rules.min_limit <= int(limit) <= rules.max_limit
        return slice(int(offset), int(offset) + int(limit)) if good else None

    def _one(
        self,
        method: str,
        rest: str,
        user: str,
        body: Any,  # noqa: ANN401 - any JSON value
        query: Mapping[str, str],
    ) -> tuple[int, Body]:
        thread_id, _, more = rest.partition("/")
        given = body if isinstance(body, dict) else {}
        if method == "POST" and not rest:
            row = self.item(f"thread-{len(self.rows)}", user, given.get("title"), given.get("metadata"))
            self.rows[row["id"]] = row
            return 200, row
        row = self.rows.get(thread_id, {})
        if row.get("user_id") != user:
            return 404, {"detail": "Not Found", "trace_id": "abc"}
        if more:
            said = sorted(self.messages.get(thread_id, ()), key=lambda one: int(one["created_at"]))
            window = self._window(query)
            return (200, {"messages": said[window]}) if window else BAD_WINDOW
        if method == "DELETE":
            return 200, self.rows.pop(thread_id)
        row["title"] = given.get("title", row["title"])
        return 200, row

    def item(self, thread_id: str, user: str, title: Any, metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
        """A thread as the list has it."""
        now = int(datetime.now(UTC).timestamp())
        return {
            "id": thread_id,
            "object": "thread",
            "title": title,
            "user_id": user,
            "created_at": now,
            "updated_at": now,
            "metadata": metadata if isinstance(metadata, dict) else {"user_id": user},
            "message_count": 0,
        }

    def _fixed(self) -> dict[str, Body]:
        paths = self.contract.paths
        checks = dict.fromkeys(self.contract.health.check_names, "healthy") | {
            "threads_table": {"total": 3, "with_metadata": 3, "null_metadata": 0}
        }
        return {
            paths.health: {
                "timestamp": datetime.now(UTC).isoformat(),
                "environment": "staging",
                "status": "healthy",
                "failed_checks": [],
                "checks": checks,
            },
            paths.liveness: {"status": "healthy"},
            paths.readiness: {"status": "ready"},
            paths.metrics: (
                '# TYPE http_requests counter\nhttp_requests_total{status="200",route="/x"} '
                f"{len(self.log) + 5 * len(self.rows)}\n"
            ),
        }

    def _of_auth(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> tuple[int, Body]:  # noqa: ANN401 - JSON
        if path == self.contract.paths.auth_health:
            return 200, {"status": "healthy"}
        login = self.contract.login
        if path == login.path and headers.get(login.key_header.lower()) == LOGIN_KEY:
            now = int(datetime.now(UTC).timestamp())
            times = {"iat": now, "exp": now + int(self.contract.tokens.lifetime_s)}
            return 200, {login.token_field: jwt.encode({"sub": "the-test-user", **times}, "x" * 32)}
        token = body.get(self.contract.validation.token_field) if isinstance(body, dict) else ""
        user = user_of(str(token))
        if path != self.contract.paths.auth_validate or method != "POST" or "x-service-key" not in headers:
            return 401, {"detail": "no", "trace_id": "abc"}
        if not user:
            return 401, {"valid": False, "error": "invalid_token", "trace_id": "abc"}
        repeated = {name: claims_of(str(token)).get(claim) for name, claim in self.contract.validation.repeats.items()}
        return 200, {"user_id": user, "email": "", "permissions": [], "expires_at": "", **repeated}

    def _of_google(self, path: str) -> tuple[int, Body]:
        if path.endswith("entries:list"):
            return 200, {"entries": self.log}
        if path.endswith("/timeSeries"):
            point = {"interval": {"endTime": stamp(datetime.now(UTC))}, "value": {"int64Value": "5"}}
            return 200, {"timeSeries": [{"metric": {"labels": {"response_code": "200"}}, "points": [point]}]}
        ready = {"type": "Ready", "state": "CONDITION_SUCCEEDED"}
        container = {"image": "i", "env": [{"name": one, "value": "x"} for one in self.contract.release.environment]}
        names = (REVISION, REVISION.replace("00001", "00000"))
        if path.endswith("/revisions"):
            return 200, {
                "revisions": [
                    {
                        "name": f"{NAME}/revisions/{one}",
                        "createTime": stamp(CREATED - timedelta(days=number)),
                        "containers": [container],
                        "conditions": [ready],
                    }
                    for number, one in enumerate(names)
                ]
            }
        return 200, {
            "name": NAME,
            "template": {"timeout": "3600s", "containers": [container]},
            "terminalCondition": ready,
            "latestReadyRevision": f"{NAME}/revisions/{REVISION}",
            "trafficStatuses": [{"percent": 100}],
            "latestCreatedRevision": f"{NAME}/revisions/{REVISION}",
        }

    def message(self, raw: str | bytes, user: str) -> dict[str, Any]:
        """What a session answers to a message."""
        words = self.contract.websocket.dialect
        try:
            kind = json.loads(raw).get("type")
        except (ValueError, AttributeError, RecursionError):
            return {"type": words.error, "error_code": "JSON_PARSE_ERROR"}
        answers = {words.ping: words.pong, words.heartbeat: words.acknowledgement}
        if kind in answers:
            return {"type": answers[kind], "data": {words.user_field: user}}
        return {"type": words.error, "error_code": "UNKNOWN", "data": {words.user_field: user}}

    def welcome(self, user: str) -> dict[str, Any]:
        """What a session says first."""
        words = self.contract.websocket.dialect
        data = {"event": words.welcome_event, words.ready_field: True, words.user_field: user, words.session_field: "s"}
        return {"type": words.welcome_type, "data": data}
