"""What a browser may do with the service's answers, and the service's own document of its API."""

from typing import Annotated

from pydantic import Field

from targets.contract.parts import Part, PerSecond, Waiting

Origin = Annotated[str, Field(pattern=r"^(https?://[^/\s]+)?$")]  # scheme, host and port, without a path; empty: none
Published = Annotated[str, Field(pattern=r"^[A-Z]+ /\S*$")]  # an operation, as METHOD /path
Askable = Annotated[str, Field(pattern=r"^(GET|HEAD) /[^\s{]*$")]  # one that can be asked without harm, as it is
Stranger = Annotated[str, Field(pattern=r"^(https?://[^/\s]+|null)$")]


class BrowserRules(Part):
    """Which pages may read the answers, and what those pages send."""

    frontend: Origin
    strangers: tuple[Stranger, ...]
    credentials: bool
    methods: tuple[str, ...]
    headers: tuple[str, ...]


class ApiRules(Part):
    """The service's OpenAPI document, and how its read-only operations are called."""

    document: str
    required: tuple[Published, ...]
    for_users: tuple[Askable, ...]
    for_anyone: tuple[Askable, ...]
    excluded: tuple[str, ...]
    most_cases: int = Field(ge=1, le=100)
    per_second: PerSecond
    hang_s: Waiting
    budget_s: Waiting

    @property
    def is_sent(self) -> bool:
        """Whether the service itself sends the document: it is not a file."""
        return self.document.startswith("/")

    @property
    def named(self) -> tuple[str, ...]:
        """Every operation that must be in the document."""
        return (*self.required, *self.for_users, *self.for_anyone)
