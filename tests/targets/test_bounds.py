"""Every bound of a target's keys: the last value that is taken, and the first one that is refused."""

import math

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from targets.candidate import Compare, Rollout
from targets.contract.parts import Fraction, Milliseconds, Part, PerSecond, Ratio, Seconds, Status, Waiting
from targets.database import Residue
from targets.deviations import Accepted
from targets.model import QuickSizes, Sizes, Target
from targets.own_checks import Expected, OwnCheck
from targets.services import Pace
from targets.sources import Platform

ACCEPTED = {"what": "a", "owner": "b", "reason": "c", "until": "2999-01-01"}
OWN = {"id": "a.b", "requirement": "r", "remedy": "r", "path": "/"}
SIZES = [
    ("latency_rate", 0.1, 0.0),
    ("latency_calls", 59, 58),
    ("agreement_rounds", 1, 0),
    ("revision_requests", 1, 0),
    ("steady_sessions", 1, 0),
    ("steady_s", 0.1, 0.0),
    ("silent_s", 0.1, 0.0),
    ("volume_rows", 100, 99),
    ("soak_sessions", 1, 0),
    ("soak_silent", 0, -1),
    ("soak_ping_s", 0.1, 0.0),
]
MOST = [
    ("latency_rate", 1000.0, 1000.1),
    ("latency_calls", 100_000, 99999999999999999999999),
    ("agreement_rounds", 10_000, 10_001),
    ("revision_requests", 10_000, 10_001),
    ("steady_sessions", 1000, 1001),
    ("steady_s", 604_800.0, 604_801.0),
    ("silent_s", 604_800.0, 604_801.0),
    ("volume_rows", 1_000_000, 1_000_001),
    ("soak_sessions", 10_000, 10_001),
    ("soak_silent", 1000, 1001),
    ("soak_ping_s", 604_800.0, 604_801.0),
]
BOUNDS: list[tuple[type[Part], str, object, object]] = [
    *((part, *bound) for part in (Sizes, QuickSizes) for bound in (*SIZES, *MOST)),
    (Pace, "at_once", 1, 0),
    (Pace, "at_once", 100, 101),
    (Pace, "per_second", 0.0, -0.1),
    (Pace, "per_second", 10_000.0, 10_001.0),
    (Platform, "reads_per_minute", 1, 0),
    (Platform, "reads_per_minute", 100_000, 100_001),
    (Residue, "users", 1, 0),
    (Residue, "users", 900, 901),
    (Compare, "latency_ratio", 1.1, 1.0),
    (Compare, "latency_ratio", 1000.0, 1001.0),
    (Compare, "rounds", 5, 4),
    (Compare, "rounds", 1000, 1001),
    (Compare, "pairs", 20, 19),
    (Compare, "pairs", 10_000, 10_001),
    (Rollout, "latency_ratio", 1.1, 1.0),
    (Rollout, "latency_ratio", 1000.0, 1001.0),
    (Rollout, "error_rate", 0.99, 1.0),
    *((Accepted, key, "x", "") for key in ("what", "owner", "reason")),
    *((OwnCheck, key, "x", "") for key in ("requirement", "remedy")),
    (OwnCheck, "path", "/x", "x"),
    (Expected, "within_ms", 3_600_000.0, 3_600_001.0),
    (OwnCheck, "repetitions", 1, 0),
    (OwnCheck, "repetitions", 1000, 1001),
]
REST: dict[type[Part], dict[str, object]] = {Accepted: {**ACCEPTED}, OwnCheck: {**OWN}}


@pytest.mark.parametrize("part, key, taken, refused", BOUNDS)
def test_a_bound_is_where_it_is_said_to_be(part: type[Part], key: str, taken: object, refused: object) -> None:
    others = REST.get(part, {})
    assert getattr(part.model_validate({**others, key: taken}), key) == taken
    with pytest.raises(ValidationError) as caught:
        part.model_validate({**others, key: refused})
    assert [error["loc"] for error in caught.value.errors()] == [(key,)]


@pytest.mark.parametrize(
    "of, taken, refused",
    [
        (Status, [100, 599], [99, 600]),
        (Seconds, [0.001, 31_622_400.0], [0.0, -1.0, 31_622_401.0]),
        (Waiting, [0.001, 604_800.0], [0.0, 604_801.0]),
        (Milliseconds, [0.001, 3_600_000.0], [0.0, 3_600_001.0]),
        (PerSecond, [0.001, 10_000.0], [0.0, 10_001.0]),
        (Ratio, [0.001, 10_000.0], [0.0, 10_001.0]),
        (Fraction, [0.001, 0.999], [0.0, 1.0]),
    ],
)
def test_the_numbers_of_a_contract_have_bounds(of: type[float], taken: list[float], refused: list[float]) -> None:
    adapter = TypeAdapter[float](of)
    assert [adapter.validate_python(one) for one in taken] == taken
    for one in refused:
        with pytest.raises(ValidationError):
            adapter.validate_python(one)


@pytest.mark.parametrize("part", [Sizes, Pace, Compare, Rollout, Platform, Residue])
def test_what_a_section_refuses_is_not_quoted_and_what_it_holds_does_not_change(part: type[Part]) -> None:
    with pytest.raises(ValidationError) as caught:
        part.model_validate({"a_key_that_is_none": "s3cret"})
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(part(), next(iter(part.model_fields)), 5)


def numbers_of(model: type[BaseModel]) -> list[tuple[type[BaseModel], str]]:
    """Every key of a model and of the parts in it that holds a number."""
    found = list[tuple[type[BaseModel], str]]()
    for name, described in model.model_fields.items():
        kind = described.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += numbers_of(kind)
        elif kind in {int, float}:
            found.append((model, name))
    return found


@pytest.mark.parametrize("model, key", [*numbers_of(Target), *numbers_of(OwnCheck)])
def test_no_number_of_a_target_is_unlimited(model: type[BaseModel], key: str) -> None:
    for unlimited in (math.inf, math.nan, 10**30):
        with pytest.raises(ValidationError) as caught:
            model.model_validate({key: unlimited})
        assert (key,) in [error["loc"] for error in caught.value.errors()], f"{key} = {unlimited}"
