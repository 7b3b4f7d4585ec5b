"""What the platform knows from its boot on: its services, their revisions, traffic and tags."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from twin.names import AUTH, AUTH_REVISION, BACKEND, CANDIDATE_REVISION, OLD_REVISION, PROJECT, REGION, REVISION, TAG

if TYPE_CHECKING:
    from twin.stack import Stack

VARIABLES = ("DATABASE_URL", "REDIS_URL", "SERVICE_KEY", "AUTH_SERVICE_URL")


def write_platform_config(stack: "Stack") -> None:
    """Write the platform's configuration into the twin's folder."""
    config = {
        "project": PROJECT,
        "region": REGION,
        "api_port": stack.ports["platform"],
        "control_port": stack.ports["platform_control"],
        "log_dir": str(stack.processes.folder / "logs"),
        "log_delay_s": 0.05,
        "hour_s": stack.hour_s,
        "services": _services(stack, datetime.now(UTC)),
    }
    (stack.processes.folder / "platform.json").write_text(json.dumps(config))


def _revision(service: str, created: datetime, port: int | None) -> dict[str, Any]:
    return {
        "upstream_port": port,
        "created": created.isoformat().replace("+00:00", "Z"),
        "image": f"{REGION}-docker.pkg.dev/{PROJECT}/netra/{service}@sha256:{secrets.token_hex(32)}",
        "ready": True,
        "env": {"ENVIRONMENT": "staging", **dict.fromkeys(VARIABLES, "set")},
    }


def _services(stack: "Stack", now: datetime) -> dict[str, Any]:
    def revision(service: str, age: timedelta, upstream: str) -> dict[str, Any]:
        return _revision(service, now - age, stack.ports[upstream] if upstream else None)

    revisions = {
        REVISION: revision(BACKEND, timedelta(seconds=5), "backend_upstream"),
        OLD_REVISION: revision(BACKEND, timedelta(days=2), ""),
    }
    if stack.candidate:
        revisions[CANDIDATE_REVISION] = revision(BACKEND, timedelta(), "candidate_upstream")
    return {
        BACKEND: {
            "edge_port": stack.ports["backend"],
            "request_timeout_s": 3600,
            "traffic": {REVISION: 100},
            "tags": {TAG: CANDIDATE_REVISION} if stack.candidate else {},
            "revisions": revisions,
        },
        AUTH: {
            "edge_port": stack.ports["auth"],
            "request_timeout_s": 300,
            "traffic": {AUTH_REVISION: 100},
            "revisions": {AUTH_REVISION: revision(AUTH, timedelta(minutes=10), "auth_upstream")},
        },
    }
