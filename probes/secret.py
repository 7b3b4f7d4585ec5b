"""A secret as a value that can't be printed: it is unwrapped where a socket or a signer takes it, and nowhere else."""

import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

STARS = "******"
SHORTEST_SOUGHT = 12  # characters; a shorter secret may be an ordinary word of a log
Learn = Callable[["Secret"], object]  # hides a credential that was acquired during the run wherever text is written
Error = TypeVar("Error", bound=BaseException)


class Secret:
    """A text whose `repr`, `str`, `format`, pickle, JSON and dataclass output are stars.

    Only `reveal` gives the text; `tests/test_architecture.py` lists the files that may call it. A copy of a secret is
    the secret itself; what is pickled is stars, so that no cache and no other process is handed the text by accident.
    """

    __slots__ = ("_hidden",)

    def __init__(self, text: str = "") -> None:
        self._hidden: Callable[[], str] = lambda: text  # a closure: no attribute holds the text for a printer to find

    def reveal(self) -> str:
        """The text itself, for a socket or a signer."""
        return self._hidden()

    def derive(self, change: Callable[[str], str]) -> Self:
        """Another secret made from this one's text, such as a header's value."""
        return type(self)(change(self._hidden()))

    def is_in(self, text: str) -> bool:
        """Whether a text holds it as it is; never if it has fewer than 12 characters, which prove nothing."""
        return len(self) >= SHORTEST_SOUGHT and self._hidden() in text

    def __repr__(self) -> str:
        return STARS if self else "''"

    def __str__(self) -> str:
        return STARS if self else ""

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __len__(self) -> int:
        return len(self._hidden())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._hidden().encode("utf-8", "surrogatepass"), other.reveal().encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash((Secret, self._hidden()))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (str(self),)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A TOML text or an environment variable becomes a secret; written out again it is stars."""
        del source, handler
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def _validate(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError(f"must be a text, got {type(value).__name__}")  # noqa: TRY004 - what pydantic takes
        return cls(value)


def holds_any(secrets: Iterable[Secret], text: str) -> bool:
    """Whether a text holds one of these secrets as it is."""
    return any(secret.is_in(text) for secret in secrets)


def reveal(value: Any) -> Any:  # noqa: ANN401 - a text, or any JSON value with secrets in it
    """The value with every secret in it unwrapped: for the call that hands it to a socket, and for no variable."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(reveal(item) for item in value)
    return value


def without_frames(error: Error) -> Error:
    """The error, and what led to it, without tracebacks: the frames of a client library hold what was sent."""
    chain: BaseException | None = error
    while chain is not None:
        chain.__traceback__ = None
        chain = chain.__cause__ or chain.__context__
    return error
