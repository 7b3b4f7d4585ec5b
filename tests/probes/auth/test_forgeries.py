"""Each forgery is wrong in the one way that its name says, and right in every other."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.exceptions import InvalidSubjectError

from probes.auth.foreign_keys import key_for
from probes.auth.forgeries import KINDS, NEAR_SIGNATURES, SIGNED, UNSIGNED, forge, forge_plain, resigned
from probes.auth.near_claims import NEAR_CLAIMS, NEARLY
from probes.auth.tokens import Held, Mint, User
from probes.errors import CredentialUnfit
from probes.secret import Secret

SECRET = "a secret of at least thirty-two characters"
MINT = Mint(secret=Secret(SECRET), issuer="issuer", audience="audience", lifetime_s=900.0, skew_s=60.0)
USER = User("nv-user", "user@netra-verify.invalid")
STRICT: Any = {"require": ["sub", "iss", "aud", "iat", "exp"]}


def read(token: Secret) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token.reveal(), SECRET, algorithms=["HS256"], issuer="issuer", audience="audience", options=STRICT
    )
    return claims


def unverified(token: Secret) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token.reveal(), options={"verify_signature": False})
    return claims


def test_a_good_token_passes_the_strictest_reading() -> None:
    assert read(MINT.good(USER))["sub"] == USER.sub


REFUSED_BY: dict[str, type[Exception]] = {
    "expired": jwt.ExpiredSignatureError,
    "never expires": jwt.MissingRequiredClaimError,
    "not yet valid": jwt.ImmatureSignatureError,
    "issued ahead": jwt.ImmatureSignatureError,
    "wrong issuer": jwt.InvalidIssuerError,
    "wrong audience": jwt.InvalidAudienceError,
    "no issuer": jwt.MissingRequiredClaimError,
    "no audience": jwt.MissingRequiredClaimError,
    "no sub": jwt.MissingRequiredClaimError,
    "wrong signature": jwt.InvalidSignatureError,
    **dict.fromkeys(NEAR_SIGNATURES, jwt.InvalidSignatureError),
    "alg none": jwt.InvalidAlgorithmError,
    "alg none in capitals": jwt.InvalidAlgorithmError,
    "own RS256 key": jwt.InvalidAlgorithmError,
    "HS-RS confusion": jwt.InvalidSignatureError,
    "payload swapped": jwt.InvalidSignatureError,
    "kid path": jwt.InvalidSignatureError,
    "kid statement": jwt.InvalidSignatureError,
    "jku": jwt.InvalidAlgorithmError,
    "crit": jwt.InvalidTokenError,
    **{f"issuer {way}": jwt.InvalidIssuerError for way in (*NEARLY, "in a list")},
    **{f"audience {way}": jwt.InvalidAudienceError for way in (*NEARLY, "in an object")},
    "wrong audience in a list": jwt.InvalidAudienceError,
    "nearly the audience in a list": jwt.InvalidAudienceError,
    "empty audience list": jwt.MissingRequiredClaimError,
    "5 minutes past exp": jwt.ExpiredSignatureError,
    "exp as text": jwt.ExpiredSignatureError,
    "exp as a date": jwt.DecodeError,
    "exp in a list": jwt.DecodeError,
    "exp null": jwt.MissingRequiredClaimError,
    "sub number": InvalidSubjectError,
    "sub in a list": InvalidSubjectError,
    "not a JWT": jwt.DecodeError,
    "not ASCII": jwt.DecodeError,
    "empty": jwt.DecodeError,
}


@pytest.mark.parametrize("kind", REFUSED_BY)
def test_a_forgery_is_refused_for_its_own_reason(kind: str) -> None:
    token = forge(kind, MINT, USER).token
    assert token is not None
    with pytest.raises(REFUSED_BY[kind]):
        read(token)


@pytest.mark.parametrize("kind", SIGNED)
def test_what_takes_the_secret_is_well_signed(kind: str) -> None:
    token = forge(kind, MINT, USER).token
    assert token is not None
    head, payload, signature = token.reveal().split(".")
    wanted = hmac.new(SECRET.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(wanted).rstrip(b"=").decode() == signature


@pytest.fixture(scope="module")
def rs256() -> Mint:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    return Mint(
        secret=Secret(pem),
        issuer="issuer",
        audience="audience",
        lifetime_s=900.0,
        skew_s=60.0,
        algorithm="RS256",
        key_id="2026-11",
    )


def read_rs256(token: Secret, mint: Mint) -> dict[str, Any]:
    """As a service reads it that verifies by the issuer's key alone."""
    text = token.reveal()
    claims: dict[str, Any] = jwt.decode(
        text, mint.public_key(), algorithms=["RS256"], issuer="issuer", audience="audience", options=STRICT
    )
    return claims


def test_an_rs256_token_names_its_key_and_passes_the_strictest_reading(rs256: Mint) -> None:
    token = rs256.good(USER)
    assert read_rs256(token, rs256)["sub"] == USER.sub
    assert jwt.get_unverified_header(token.reveal()) == {"alg": "RS256", "kid": "2026-11", "typ": "JWT"}


RS256_REFUSED_BY = REFUSED_BY | {
    "own RS256 key": jwt.InvalidSignatureError,
    "HS-RS confusion": jwt.InvalidAlgorithmError,
    "kid path": jwt.InvalidAlgorithmError,
    "kid statement": jwt.InvalidAlgorithmError,
    "jku": jwt.InvalidSignatureError,
}


@pytest.mark.parametrize("kind", RS256_REFUSED_BY)
def test_a_forgery_of_an_rs256_token_is_refused_for_its_own_reason(kind: str, rs256: Mint) -> None:
    token = forge(kind, rs256, USER).token
    assert token is not None
    with pytest.raises(RS256_REFUSED_BY[kind]):
        read_rs256(token, rs256)


@pytest.mark.parametrize("way", ["signed", "held"])
def test_a_wrong_signature_is_wrong_in_its_signature_alone(rs256: Mint, way: str) -> None:
    tokens = Held(rs256.good(USER), "the token of a test") if way == "held" else rs256
    token = forge("wrong signature", tokens, USER).token
    assert token is not None
    assert jwt.get_unverified_header(token.reveal()) == jwt.get_unverified_header(rs256.good(USER).reveal())
    assert unverified(token)["sub"] == USER.sub


def test_the_confusion_takes_the_services_own_public_key_where_it_has_one(rs256: Mint) -> None:
    token = forge("HS-RS confusion", rs256, USER).token
    assert token is not None
    head, payload, signature = token.reveal().split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "kid": "2026-11", "typ": "JWT"}
    wanted = hmac.new(rs256.public_key().encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(wanted).rstrip(b"=").decode() == signature


@pytest.mark.parametrize("algorithm", ["HS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_a_token_of_another_algorithm_is_forged_by_that_one(algorithm: str) -> None:
    given = jwt.encode({"sub": USER.sub}, key_for(algorithm), algorithm)
    token = forge("wrong signature", Held(Secret(given), "the token of a test"), USER).token
    assert token is not None
    assert jwt.get_unverified_header(token.reveal())["alg"] == algorithm


@pytest.mark.parametrize("kind", NEAR_CLAIMS)
def test_what_is_nearly_right_differs_from_a_good_token_in_one_claim(kind: str) -> None:
    good, token = MINT.claims(USER), forge(kind, MINT, USER).token
    assert token is not None
    payload = token.reveal().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    differing = {name for name in good if name not in {"jti", "iat", "exp"} and claims[name] != good[name]}
    odd_end = not isinstance(claims["exp"], int) or claims["exp"] < time.time()
    assert claims.keys() == good.keys()
    assert len(differing) + odd_end == 1


def test_the_key_set_of_a_jku_verifies_the_token_that_brings_it() -> None:
    token = forge("jku", MINT, USER).token
    assert token is not None
    head = jwt.get_unverified_header(token.reveal())
    keys = json.loads(base64.b64decode(head["jku"].partition(";base64,")[2]))
    key = jwt.PyJWKSet.from_dict(keys)[head["kid"]]
    assert jwt.decode(token.reveal(), key, audience="audience")["sub"] == USER.sub


def test_a_refresh_token_differs_in_its_type_alone() -> None:
    mint = replace(MINT, refresh_claims={"token_type": "refresh"})
    token = forge("refresh as access", mint, USER).token
    assert token is not None
    assert read(token)["token_type"] == "refresh"


def test_the_confusion_is_signed_with_the_key_that_it_offers() -> None:
    token = forge("HS-RS confusion", MINT, USER).token
    assert token is not None
    head, payload, signature = token.reveal().split(".")
    offered = json.loads(base64.urlsafe_b64decode(head + "=="))
    assert offered["alg"] == "HS256"
    key = base64.b64decode(offered["x5c"][0])
    assert key.startswith(b"-----BEGIN PUBLIC KEY-----")
    wanted = hmac.new(key, f"{head}.{payload}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(wanted).rstrip(b"=").decode() == signature


def test_the_other_places_hold_a_good_token_where_it_does_not_belong() -> None:
    two = forge("two headers", MINT, USER).authorization
    assert read(two[1].derive(lambda value: value.removeprefix("Bearer ")))["sub"] == USER.sub
    (basic,) = forge("Basic", MINT, USER).authorization
    password = basic.derive(lambda value: base64.b64decode(value.removeprefix("Basic ")).decode().partition(":")[2])
    assert read(password)["sub"] == USER.sub
    (other_scheme,) = forge("another scheme", MINT, USER).authorization
    assert read(other_scheme.derive(lambda value: value.removeprefix("Token ")))["sub"] == USER.sub
    behind = forge("a word before it", MINT, USER).headers()
    assert [
        (name, read(value.derive(lambda text: text.removeprefix("Bearer nv ")))["sub"]) for name, value in behind
    ] == [("Authorization", USER.sub)]
    in_query = forge("in the query string", MINT, USER)
    assert in_query.token is not None
    assert (in_query.headers(), read(in_query.token)["sub"]) == ([], USER.sub)
    assert len(forge("64 KiB", MINT, USER).token or "") > 64 * 1024


def test_a_token_that_is_not_ascii_is_valid_without_what_is_not() -> None:
    forgery = forge("not ASCII", MINT, USER)
    assert forgery.token is not None
    assert not forgery.token.reveal().isascii()
    assert read(forgery.token.derive(lambda token: token.encode("ascii", "ignore").decode()))["sub"] == USER.sub
    ((_, value),) = forgery.headers()
    assert value.reveal().encode("latin-1").count(b"\xe9") == 1


def test_a_re_signed_token_differs_in_its_signature_alone() -> None:
    good = MINT.good(USER)
    other = resigned(good).token
    assert other is not None
    assert other.reveal() != good.reveal()
    assert other.reveal().rpartition(".")[0] == good.reveal().rpartition(".")[0]
    with pytest.raises(jwt.InvalidSignatureError):
        read(other)


def held(**changes: object) -> Held:
    return Held(MINT.sign(MINT.claims(USER) | changes), "the token of a test")


@pytest.mark.parametrize("kind", UNSIGNED)
def test_without_the_secret_forgeries_are_made_of_the_token_that_we_hold(kind: str) -> None:
    made = forge(kind, held(), USER)
    if made.token and made.token.reveal().count(".") == 2 and kind not in {"64 KiB", "not ASCII", "a word before it"}:
        assert unverified(made.token)["sub"] == USER.sub


@pytest.mark.parametrize("kind", SIGNED)
def test_without_the_secret_no_well_signed_forgery_can_be_made(kind: str) -> None:
    with pytest.raises(TypeError, match="own secret"):
        forge(kind, held(), USER)


def test_an_ordinary_bad_token_is_expired_or_else_badly_signed() -> None:
    assert (forge_plain(MINT, USER).kind, forge_plain(held(), USER).kind) == ("expired", "wrong signature")
    assert len(KINDS) == len(set(KINDS)) == 57


def test_a_held_token_speaks_for_its_own_user_and_until_it_ends() -> None:
    assert held().user == User(USER.sub, USER.email)
    assert read(held().good(USER))["sub"] == USER.sub
    with pytest.raises(CredentialUnfit, match="token of 'nv-user'"):
        held().good(User("somebody", ""))
    with pytest.raises(CredentialUnfit, match="expired at 20"):
        held(exp=int(time.time()) - 1).good(USER)


def claiming(payload: bytes) -> str:
    return f"x.{base64.urlsafe_b64encode(payload).decode()}.y"


@pytest.mark.parametrize(
    "token",
    ["", "sesame", "a.b.c", claiming(b"[1]"), claiming(b"[" * 90_000), claiming(b'{"sub": "nv-user", "exp": "soon"}')],
)
def test_what_is_no_token_is_said_to_be_none(token: str) -> None:
    with pytest.raises(CredentialUnfit):
        Held(Secret(token), "the token of a test").good(USER)


def test_a_header_that_cannot_be_read_is_no_header() -> None:
    with pytest.raises(CredentialUnfit, match="not a JWT"):
        _ = Held(Secret(claiming(b'{"sub": "nv-user"}')), "the token of a test").header


def test_an_end_before_all_dates_is_an_end() -> None:
    with pytest.raises(CredentialUnfit, match="expired at 1970"):
        held(exp=-1e300).good(USER)
