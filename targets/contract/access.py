"""Access: tokens, the login, validation by the auth service, and its latency."""

from typing import Any, Literal

from targets.contract.parts import Fraction, Milliseconds, Part, Ratio, Schema, Seconds

STANDARD_CLAIMS = frozenset({"sub", "email", "iss", "aud", "iat", "exp", "jti"})


class TokenRules(Part):
    """The claims of a valid access token."""

    algorithm: Literal["HS256", "RS256"]
    key_id: str
    issuer: str
    audience: str
    lifetime_s: Seconds
    ends_within_s: Seconds
    clock_skew_s: Seconds
    extra_claims: dict[str, Any]
    refresh_claims: dict[str, Any]


class LoginRules(Part):
    """A login endpoint of the auth service that gives an access token in exchange for a key; no path: none."""

    path: str
    key_header: str
    body: dict[str, str]
    token_field: str


class ValidationRules(Part):
    """How the auth service is asked to validate a token, and how to read its answer."""

    headers: dict[str, str]
    token_field: str
    user_field: str
    repeats: dict[str, str]
    shown_claims: dict[str, Any]
    good: Schema
    bad: Schema


class AuthRules(Part):
    """Success metric 5, made precise, and related rules."""

    latency_limit_ms: Milliseconds
    latency_percentile: Fraction
    latency_confidence: Fraction
    latency_clock: Literal["server", "client"]
    server_time: Literal["server-timing", "request-log"]
    server_timing_metric: str
    noop: str
    clock_gap_ms: Milliseconds
    refusal_cost_ratio: Ratio
