"""The report's fixes taken literally, one fault per fix: what each of them gets wrong."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx

from twin.auth.by_hand import payload_of
from twin.faults.health import failures_by_the_report
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.backend.auth_client import Identity
    from twin.backend.seams import Seams
    from twin.postgres import Postgres

OK = 200


# Fix 2 of the audit report, statement by statement.
FIX_2 = (
    "UPDATE threads SET metadata_ = '{}'::jsonb WHERE metadata_ IS NULL",
    """UPDATE threads SET metadata_ = jsonb_set(COALESCE(metadata_, '{}'::jsonb), '{user_id}', to_jsonb(user_id))
    WHERE metadata_->>'user_id' IS NULL AND user_id IS NOT NULL""",
)
PAST = "thread-of-fix-2"


@fault("as-written.fix-2-update", place="database", seen="Fix 2: jsonb_set over JSON null, scalars and arrays raises")
async def fix_2(postgres: "Postgres") -> Undo:
    """The emergency SQL was run on a table that also holds JSON null and an array: it aborts, and they stay."""
    connection = await asyncpg.connect(postgres.owner_url, statement_cache_size=0)
    try:
        await connection.execute(
            "INSERT INTO threads (id, user_id, metadata_, created_at, updated_at) SELECT $1 || kind, 'user-of-fix-2', "
            "value, now(), now() FROM (VALUES ('-1', NULL), ('-2', 'null'::jsonb), ('-3', '[]')) AS past (kind, value)",
            PAST,
        )
        for statement in FIX_2:
            try:
                await connection.execute(statement)
            except asyncpg.InvalidParameterValueError as error:  # "cannot set path in scalar"
                print(f"Fix 2 aborted: {error}", flush=True)  # noqa: T201 - the supervisor's own log
    finally:
        await connection.close()

    async def undo() -> None:
        again = await asyncpg.connect(postgres.owner_url, statement_cache_size=0)
        await again.execute("DELETE FROM threads WHERE starts_with(id, $1)", PAST)
        await again.close()

    return undo


@fault("as-written.fix-3-or", place="backend", seen="Fix 3: or_(metadata ->> 'user_id' = …, user_id = …)")
def fix_3(seams: "Seams") -> Undo:
    """A thread whose metadata and column disagree is shown to both."""
    return replace(
        seams.repository,
        by_column="(user_id = :user OR (metadata_ IS NOT NULL AND metadata_ ->> 'user_id' = :user))",
        by_metadata="FALSE",
    )


@fault("as-written.fix-4-client", place="backend", seen="Fix 4: AuthServiceClient.validate_token")
def fix_4(seams: "Seams") -> Undo:
    """A client per attempt, three attempts for a plain refusal, and a local fallback that believes tokens."""
    auth = seams.auth

    async def validate(_seams: "Seams", token: str) -> "Identity | None":
        from twin.backend.auth_client import Identity  # noqa: PLC0415 - the other processes need only this file's ids

        for attempt in range(3):
            try:
                async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
                    answer = await client.post(
                        f"{auth.url}/validate", json={"token": token}, headers={"X-Service-Key": auth.service_key}
                    )
                if answer.status_code == OK:
                    body = answer.json()
                    return Identity(body["user_id"], body.get("email", ""))
            except httpx.HTTPError:
                if attempt < 2:  # noqa: PLR2004 - the report's retry_count - 1
                    await asyncio.sleep(2**attempt)
        claims = payload_of(token)
        return Identity(str(claims["sub"]), "") if "sub" in claims else None

    return replace(seams, validate=validate)


@fault("as-written.fix-5-health", place="backend", seen="Fix 5: detailed_health_check")
def fix_5(seams: "Seams") -> Undo:
    """Auth is "reachable" whatever happens, a naive timestamp, and NULL rows that are never judged."""

    async def auth_service() -> str:
        return "reachable"

    healthy_report = seams.report

    def report(found: Mapping[str, Any], failed: list[str], environment: str) -> dict[str, Any]:
        body = healthy_report(found, failed, environment)
        return body | {"timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat()}

    return replace(
        seams,
        checks={**seams.checks, "auth_service": auth_service},
        report=report,
        find_failures=failures_by_the_report,
    )
