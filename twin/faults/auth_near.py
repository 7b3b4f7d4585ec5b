"""Faults of validation that let in what is nearly valid: careless comparisons, keys that the token names, odd types."""

import base64
import json
import time
from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING, Any

import jwt

from twin.auth.by_hand import head_of, is_signed_with, payload_of
from twin.faults.auth_service import reading
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams

Claims = dict[str, Any]
DEV_NULL, LEEWAY_S, LIFETIME_S = "/dev/null", 600.0, 900
# How a claim is compared carelessly: what was given, and what is expected.
CARELESS: dict[str, tuple[Callable[[Any, str], bool], str]] = {
    "by-prefix": (lambda given, right: str(given).startswith(right), "startswith, for issuers with a path"),
    "by-suffix": (lambda given, right: str(given).endswith(right), "endswith, for a list of tenants"),
    "by-containment": (lambda given, right: isinstance(given, str) and given in right, "CVE-2024-53861 of PyJWT"),
    "without-case": (lambda given, right: str(given).lower() == right.lower(), "casefold on both sides"),
    "without-blanks": (lambda given, right: str(given).strip() == right, "strip() of a value from a header"),
    "by-membership": (lambda given, right: isinstance(given, list | dict) and right in given, "`in` on any type"),
}


def _read_as(seams: "Seams", claims: Claims, **changes: object) -> Claims:
    """What the sound reading makes of these claims after some were put right."""
    right = claims | changes
    return seams.validator.read(jwt.encode(right, seams.validator.secret, algorithm="HS256"))


def _well_signed(seams: "Seams", token: str) -> bool:
    return is_signed_with(seams.validator.secret.encode(), token)


def _mending(seams: "Seams", mend: Callable[[Claims], Claims | None]) -> Undo:
    """Put claims of a well-signed token right before they are read, where `mend` says how."""

    def lenient(token: str) -> Claims | None:
        claims = payload_of(token)
        changes = mend(claims) if claims and _well_signed(seams, token) else None
        return None if changes is None else _read_as(seams, claims, **changes)

    return reading(seams, lenient)


def _careless(word: str, claim: str, way: str) -> None:
    compare, seen = CARELESS[way]

    def install(seams: "Seams") -> Undo:
        right = str(getattr(seams.validator, word))

        def mend(claims: Claims) -> Claims | None:
            given = claims.get(claim)
            return {claim: right} if given not in ("", None, right) and compare(given, right) else None

        return _mending(seams, mend)

    fault(f"auth.{word}-{way}", place="auth", seen=seen)(install)


for (_word, _claim), _way in product((("issuer", "iss"), ("audience", "aud")), CARELESS):
    _careless(_word, _claim, _way)


def _audiences(claims: Claims) -> list[object] | None:
    """The audience where it is a list."""
    given = claims.get("aud")
    return given if isinstance(given, list) else None


@fault("auth.audience-list-not-checked", place="auth", seen="`if isinstance(aud, str) and aud != AUDIENCE: refuse`")
def audience_list_not_checked(seams: "Seams") -> Undo:
    """A token whose audience is a list is for anybody."""
    right = seams.validator.audience
    return _mending(seams, lambda claims: None if _audiences(claims) is None else {"aud": right})


@fault("auth.audience-list-as-text", place="auth", seen="`AUDIENCE in str(claims['aud'])`, which works for both shapes")
def audience_list_as_text(seams: "Seams") -> Undo:
    """A list is for this service if one of its audiences has this one's name in it."""
    right = seams.validator.audience

    def mend(claims: Claims) -> Claims | None:
        listed = _audiences(claims)
        return {"aud": right} if listed is not None and str(right) in str(listed) else None

    return _mending(seams, mend)


@fault("auth.issuer-only-if-there", place="auth", seen="if 'iss' in claims, for tokens of before the last release")
def issuer_only_if_there(seams: "Seams") -> Undo:
    """A token that names no issuer is one of the right issuer."""
    return _mending(seams, lambda claims: None if "iss" in claims else {"iss": seams.validator.issuer})


@fault("auth.audience-only-if-there", place="auth", seen="golang-jwt: VerifyAudience(..., required=false)")
def audience_only_if_there(seams: "Seams") -> Undo:
    """A token that names no audience is for this one."""
    return _mending(seams, lambda claims: None if "aud" in claims else {"aud": seams.validator.audience})


@fault("auth.leeway-of-ten-minutes", place="auth", seen="a leeway against clock skew, and generous")
def leeway(seams: "Seams") -> Undo:
    """A token is accepted for ten minutes after its end."""
    return replace(seams.validator, leeway_s=LEEWAY_S)


@fault("auth.iat-without-leeway", place="auth", seen="PyJWT's own iat check: no skew allowed")
def iat_without_leeway(seams: "Seams") -> Undo:
    """A token of an issuer whose clock is a little ahead is refused."""
    return replace(seams.validator, skew_s=0.0)


@fault("auth.exp-compared-where-a-number", place="auth", seen="`if isinstance(exp, int) and exp < now`")
def exp_where_number(seams: "Seams") -> Undo:
    """An end that is not a number is not enforced."""

    def mend(claims: Claims) -> Claims | None:
        odd = "exp" in claims and not isinstance(claims["exp"], int)
        return {"exp": int(time.time()) + LIFETIME_S} if odd else None

    return _mending(seams, mend)


@fault("auth.sub-stripped", place="auth", seen="strip() of every text that comes in")
def sub_stripped(seams: "Seams") -> Undo:
    """A user id with blanks around it is that user."""

    def mend(claims: Claims) -> Claims | None:
        sub = claims.get("sub")
        return {"sub": sub.strip()} if isinstance(sub, str) and sub != sub.strip() else None

    return _mending(seams, mend)


@fault("auth.sub-made-a-text", place="auth", seen="str(claims['sub'])")
def sub_made_text(seams: "Seams") -> Undo:
    """The user is the text of `sub`, whatever its type."""

    def mend(claims: Claims) -> Claims | None:
        sub = claims.get("sub", "")
        return None if isinstance(sub, str) else {"sub": str(sub)}

    return _mending(seams, mend)


@fault("auth.empty-sub-is-a-guest", place="auth", seen="claims.get('sub') or 'guest'")
def empty_sub(seams: "Seams") -> Undo:
    """An empty user is a guest."""
    return _mending(seams, lambda claims: {"sub": "guest"} if claims.get("sub") == "" else None)


@fault("auth.key-read-by-kid", place="auth", seen="open(KEYS / kid).read(): a path that leads out of its folder")
def key_by_path(seams: "Seams") -> Undo:
    """`kid` is a file's name; a file that is not one of the service's may be empty."""

    def lenient(token: str) -> Claims | None:
        led_out = str(head_of(token).get("kid", "")).endswith(DEV_NULL)
        return payload_of(token) if led_out and is_signed_with(b"", token) else None

    return reading(seams, lenient)


@fault("auth.key-selected-by-kid", place="auth", seen="f\"SELECT key FROM keys WHERE id = '{kid}'\"")
def key_by_statement(seams: "Seams") -> Undo:
    """`kid` is written into a statement, which then selects what it says."""

    def lenient(token: str) -> Claims | None:
        _, union, selected = str(head_of(token).get("kid", "")).partition("' UNION SELECT '")
        key = selected.partition("'")[0]
        return payload_of(token) if union and is_signed_with(key.encode(), token) else None

    return reading(seams, lenient)


@fault("auth.key-set-from-the-token", place="auth", seen="a key set fetched from the token's own jku (CVE-2018-0114)")
def key_set_from_token(seams: "Seams") -> Undo:
    """A token is verified by the key set that it names; a data: URL holds one."""

    def lenient(token: str) -> Claims | None:
        head = head_of(token)
        _, found, coded = str(head.get("jku", "")).partition(";base64,")
        if not found:
            return None
        keys = jwt.PyJWKSet.from_dict(json.loads(base64.b64decode(coded)))
        claims: Claims = jwt.decode(token, keys[str(head["kid"])], options={"verify_aud": False})
        return claims

    return reading(seams, lenient)


@fault("auth.crit-not-read", place="auth", seen="a library of before CVE-2026-32597: crit is passed over")
def crit_not_read(seams: "Seams") -> Undo:
    """Headers that a token marks as critical are ignored."""

    def lenient(token: str) -> Claims | None:
        if "crit" not in head_of(token) or not _well_signed(seams, token):
            return None
        return _read_as(seams, payload_of(token))

    return reading(seams, lenient)


@fault("identity.auth-by-email", place="auth", seen="a user table whose unique key is the address")
def auth_by_email(seams: "Seams") -> Undo:
    """A user with the email of an earlier user is taken for that user, at every door."""
    first: dict[str, str] = {}
    return replace(seams, user_of=lambda claims: first.setdefault(str(claims.get("email")), str(claims["sub"])))


@fault("identity.auth-by-name", place="auth", seen="a display name taken for a key")
def auth_by_name(seams: "Seams") -> Undo:
    """A user with the name of an earlier user is taken for that user."""
    first: dict[str, str] = {}

    def user_of(claims: Claims) -> str:
        return first.setdefault(str(claims["name"]), str(claims["sub"])) if claims.get("name") else str(claims["sub"])

    return replace(seams, user_of=user_of)


@fault("identity.auth-by-prefix", place="auth", seen="ids cut to the length of an older column")
def auth_by_prefix(seams: "Seams") -> Undo:
    """A user whose id begins like an earlier user's is taken for that user."""
    known: list[str] = []

    def user_of(claims: Claims) -> str:
        sub = str(claims["sub"])
        found = next((one for one in known if sub.startswith(one)), sub)
        known.append(found)
        return found

    return replace(seams, user_of=user_of)


@fault("identity.auth-without-provider", place="auth", seen='sub.split("|")[-1], from before there were two providers')
def auth_without_provider(seams: "Seams") -> Undo:
    """Users of two providers with one id are one user."""
    return replace(seams, user_of=lambda claims: str(claims["sub"]).rpartition("|")[2])


@fault("identity.auth-lower-cased", place="auth", seen="a case-insensitive collation of the user's key")
def auth_lower_cased(seams: "Seams") -> Undo:
    """Ids that differ only in case are one user."""
    return replace(seams, user_of=lambda claims: str(claims["sub"]).lower())
