"""A team's own checks as data: `[[checks]]` in a target, a request and what its answer must be."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from targets.contract.parts import Part, Schema, Status

ID = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9][a-z0-9-]*")
READ_ONLY = frozenset({"GET", "HEAD", "OPTIONS"})
As = Literal["nobody", "owner", "stranger"]
AS_NEEDS: dict[As, str] = {"nobody": "", "owner": "token", "stranger": "mint"}
SERVICE_NEEDS = {"backend": "http", "auth": "auth"}


class Expected(Part):
    """The expected answer. A header's value is a regular expression that must match it as a whole."""

    status: frozenset[Status] = frozenset({200})
    headers: dict[str, str] = Field(default_factory=dict)
    json_schema: Schema = Field(default_factory=dict)
    within_ms: float = Field(0.0, ge=0, le=3_600_000)  # per repetition, on our clock; 0: only the deadline

    @model_validator(mode="after")
    def _can_be_held(self) -> "Expected":
        for name, pattern in self.headers.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"headers.{name} is not a regular expression: {error}") from error
        return self


class OwnCheck(Part):
    """One check: the request is sent `repetitions` times, and each answer must be as `expected`."""

    id: str
    requirement: str = Field(min_length=1)
    remedy: str = Field(min_length=1)
    service: Literal["backend", "auth"] = "backend"
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str = Field(pattern="^/")
    as_user: As = "owner"
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None  # sent as JSON, if set
    expected: Expected = Expected()
    repetitions: int = Field(1, ge=1, le=1000)
    needs: frozenset[str] = frozenset()  # besides those of service, user and method
    required: bool = True
    place: Path = Field(default=Path(), exclude=True)  # the TOML that declares it

    @model_validator(mode="after")
    def _can_be_declared(self) -> "OwnCheck":
        if not ID.fullmatch(self.id):
            raise ValueError(f"id {self.id!r} must be family.name, in small letters, digits and hyphens")
        return self

    @property
    def all_needs(self) -> frozenset[str]:
        """What the target must offer; a method that may change something also needs permission to write."""
        writing = frozenset() if self.method in READ_ONLY else frozenset({"write"})
        return self.needs | writing | frozenset({SERVICE_NEEDS[self.service], AS_NEEDS[self.as_user]} - {""})
