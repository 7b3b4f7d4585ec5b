"""Our own connection to a service's database, and what may be left there."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from probes.auth.pool import DOMAIN
from probes.database.connection import OURS
from probes.database.residue import Trace
from probes.secret import Secret, reveal
from targets.contract.parts import Part
from targets.dsn import stays_private
from targets.pasted_dsn import read_pasted


class Database(Part):
    """Our own connection to the service's database; empty if we have none."""

    url: Secret = Secret()  # as pasted: `targets.pasted_dsn` converts it for asyncpg
    login: Literal["password", "google"] = "password"  # google: IAM, with an access token as the password
    pgbouncer: bool = False
    alembic: str = ""  # the deployed image's alembic folder, if we have it: then its heads are read from it

    @model_validator(mode="before")
    @classmethod
    def _as_asyncpg_takes_it(cls, values: Any) -> Any:  # noqa: ANN401 - values of any type from the sources
        """Convert another driver's address for asyncpg; one that can't be converted stays and is reported."""
        url = reveal(values.get("url")) if isinstance(values, Mapping) else None
        if not url or not isinstance(url, str):
            return values
        read = read_pasted(url)
        if read.advice:
            return values
        pooled = {"pgbouncer": True} if read.pgbouncer else {}
        return pooled | {**values, "url": Secret(read.url)}

    @model_validator(mode="after")
    def _shows_no_token_to_the_network(self) -> "Database":
        if self.login == "google" and self.url and not stays_private(self.url):
            raise ValueError(
                'login = "google" sends an access token as the password: add sslmode=require (or verify-full) to the '
                "address, or connect through the Auth Proxy on this machine (127.0.0.1, or its socket's folder)"
            )
        return self


class LeftIn(Part):
    """How our users' rows in a table are recognised; `make reap` deletes the rows that this describes."""

    table: str = ""  # if it differs from the key; may have a schema prefix
    column: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    pattern: str  # of SQL's LIKE
    because: str = ""  # why such rows appear: "the service creates one for every token that REST sees"

    @field_validator("pattern")
    @classmethod
    def _is_our_mark(cls, pattern: str) -> str:
        """Refuse a pattern that could match other people's rows, because `make reap` would delete them."""
        if not pattern.startswith(OURS) and not pattern.endswith(f"@{DOMAIN}"):
            raise ValueError(f"must begin with {OURS} or end with @{DOMAIN}; no other rows do")
        return pattern


class Residue(Part):
    """What a run leaves on the service, and how much of it."""

    users: int = Field(2, ge=1, le=900)  # of each role (owner, stranger, ...), used again by every case and every run
    tables: dict[str, LeftIn] = Field(default_factory=dict)

    @property
    def traces(self) -> list[Trace]:
        """Every configured table, and how our rows in it are recognised."""
        return [Trace(one.table or name, one.column, one.pattern) for name, one in self.tables.items()]

    def because(self, trace: Trace) -> str:
        """Why the rows appear, according to the target; empty if it does not say."""
        return next((one.because for name, one in self.tables.items() if (one.table or name) == trace.table), "")
