"""The building blocks of a contract: frozen parts, checked values, JSON Schemas."""

from typing import Annotated, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator


def _no_flag(value: object) -> object:
    """Refuse true and false, which pydantic would take for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004 - pydantic reports ValueError alone
    return value


Status = Annotated[int, Field(ge=100, le=599)]
Statuses = frozenset[Status]
DAY_S = 86_400
Seconds = Annotated[float, Field(gt=0, le=366 * DAY_S)]  # what a service promises
Waiting = Annotated[float, BeforeValidator(_no_flag), Field(gt=0, le=7 * DAY_S)]  # what a run waits for, in seconds
Milliseconds = Annotated[float, Field(gt=0, le=3_600_000)]
PerSecond = Annotated[float, Field(gt=0, le=10_000)]
Limit = Annotated[int, Field(ge=0, le=1_000_000)]  # of a page
Ratio = Annotated[float, Field(gt=0, le=10_000)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Part(BaseModel):
    """A section of a TOML file: unknown keys are errors, numbers are finite, values don't change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_flag_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        kind = cls.model_fields[info.field_name].annotation if info.field_name else None
        return _no_flag(value) if kind in {int, float} else value


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    try:
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        where = "/".join(map(str, error.path)) or "its top"
        raise ValueError(f"is not a JSON Schema: at {where}: {error.message}") from error
    return value


Schema = Annotated[dict[str, Any], AfterValidator(_schema)]
