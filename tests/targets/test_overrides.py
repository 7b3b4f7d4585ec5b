"""What the environment changes about a target: which variables are listed, and which of them make a run prove less."""

from typing import Any

import pytest

from targets.overrides import list_overrides

DESCRIBED: dict[str, Any] = {
    "backend.url": "https://staging.example",
    "database.url": "",
    "profile": "full",
    "sizes.latency_calls": 500,
    "sizes.soak_ping_s": 20,
    "quick_sizes.stall_calls": 50,
    "quick_sizes.soak_ping_s": 5.0,
    "deadlines.answer": 10.0,
    "run_deadline_s": 600,
    "platform.reads_per_minute": 60,
}
DEFAULTS = {"sizes.latency_rate": 100.0, "residue.users": 2}


def listed(key: str, value: object, **asked_for: str) -> dict[str, bool]:
    section, _, name = key.rpartition(".")
    return list_overrides(DESCRIBED, {section: {name: value}} if section else {name: value}, asked_for, DEFAULTS)


@pytest.mark.parametrize(
    "key, value, weakens",
    [
        ("sizes.latency_calls", "499", True),
        ("sizes.latency_calls", "501", False),
        ("sizes.latency_rate", "99.5", True),
        ("sizes.latency_rate", "100.5", False),
        ("sizes.soak_ping_s", "21", True),
        ("sizes.soak_ping_s", "19", False),
        ("quick_sizes.stall_calls", 49, True),
        ("quick_sizes.soak_ping_s", 6, True),
        ("deadlines.answer", "10.5", True),
        ("deadlines.answer", "9.5", False),
        ("deadlines.recovery", "1", True),
        ("run_deadline_s", "1", False),
        ("platform.reads_per_minute", "600", False),
        ("prometheus.url", "https://prometheus.example", False),
        ("pace.at_once", "1", False),
        ("profile", "tiny", True),
        ("residue.users", "3", True),
        ("backend.url", "https://another.example", True),
        ("auth.url", "https://auth.example", False),
    ],
)
def test_what_differs_from_the_file_is_listed_with_what_it_does(key: str, value: object, *, weakens: bool) -> None:
    variable = f"NETRA_{key.upper().replace('.', '__')}"
    assert listed(key, value) == {variable: weakens}


@pytest.mark.parametrize(
    "key, value",
    [
        ("sizes.latency_calls", "500"),
        ("deadlines.answer", "10.0"),
        ("residue.users", "2"),
        ("tokens.signing_secret", "canary"),
        ("writing.confirm", "staging"),
    ],
)
def test_what_is_as_in_the_file_or_comes_from_the_environment_alone_is_not(key: str, value: object) -> None:
    assert listed(key, value) == {}


def test_what_the_file_asks_the_environment_for_is_no_override_unless_the_file_has_it_too() -> None:
    asked = {"auth.url": "where to ask", "backend.url": "where to ask", "database.url": "for rows"}
    given = {
        "auth": {"url": "https://auth.example"},
        "backend": {"url": "https://another.example"},
        "database": {"url": "postgresql://db/x"},
    }
    assert list_overrides(DESCRIBED, given, asked, DEFAULTS) == {"NETRA_BACKEND__URL": True}
    without = {key: value for key, value in DESCRIBED.items() if key != "database.url"}
    assert list_overrides(without, given, asked, DEFAULTS) == {"NETRA_BACKEND__URL": True}


def test_a_size_that_is_no_number_is_left_to_the_targets_types() -> None:
    given = {"sizes": {"latency_calls": "many"}}
    assert list_overrides({"sizes.latency_calls": 1000}, given, {}, {}) == {"NETRA_SIZES__LATENCY_CALLS": False}
