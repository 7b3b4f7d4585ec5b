"""Our own connection to a service's database, and what may be left there."""

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from probes.secret import Secret, reveal
from targets.contract.parts import Part
from targets.pasted_dsn import read_pasted


class Database(Part):
    """Our own connection to the service's database; empty where we have none."""

    url: Secret = Secret()  # as it is pasted: `targets.pasted_dsn` makes of it what asyncpg takes
    pgbouncer: bool = False
    alembic: str = ""  # the deployed image's alembic folder, where we have it: its heads then need not be given

    @model_validator(mode="before")
    @classmethod
    def _as_asyncpg_takes_it(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the sources say
        """An address of another driver becomes asyncpg's; one that can't is left as it is, for the advice on it."""
        url = reveal(values.get("url")) if isinstance(values, Mapping) else None
        if not url or not isinstance(url, str):
            return values
        read = read_pasted(url)
        if read.advice:
            return values
        pooled = {"pgbouncer": True} if read.pgbouncer else {}
        return pooled | {**values, "url": Secret(read.url)}
