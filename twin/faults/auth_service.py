"""Faults of the auth service: rules of validation that were left out, and a service that is not there."""

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import jwt
from starlette.responses import JSONResponse, Response

from twin.auth.by_hand import is_signed_with, payload_of
from twin.auth.logout import fingerprint
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams

Claims = dict[str, Any]
LONG_S = 120.0


@fault("auth.health-hangs", place="auth", seen="a health route that asks a database without a deadline")
def health_hangs(seams: "Seams") -> Undo:
    """Health does not answer."""

    async def health() -> Response:
        await asyncio.sleep(LONG_S)
        return JSONResponse({"status": "healthy"})

    return replace(seams, health=health)


@fault("auth.unhealthy", place="auth", seen="a revision that started without its database")
def unhealthy(seams: "Seams") -> Undo:
    """Health answers 503."""

    async def health() -> Response:
        return JSONResponse({"status": "unhealthy"}, 503)

    return replace(seams, health=health)


@fault("auth.health-says-starting", place="auth", seen="a health route that answers 200 whatever it found")
def health_says_starting(seams: "Seams") -> Undo:
    """Health answers 200, and its body says that the service is not ready."""

    async def health() -> Response:
        return JSONResponse({"status": "starting", "service": "netra-auth-service"})

    return replace(seams, health=health)


@fault("auth.wrong-user-id", place="auth", seen="user_id taken from the email claim")
def wrong_user_id(seams: "Seams") -> Undo:
    """The answer names another id than the token."""
    return replace(seams, user_of=lambda claims: str(claims.get("email")))


def _option(seams: "Seams", **options: bool) -> Undo:
    return replace(seams.validator, options={**seams.validator.options, **options})


@fault("auth.expiry-not-checked", place="auth", seen="verify_exp: False, left from a test")
def expiry_not_checked(seams: "Seams") -> Undo:
    """Expired tokens are accepted."""
    return _option(seams, verify_exp=False)


@fault("auth.iat-not-checked", place="auth", seen="verify_iat: False, and nothing in its place")
def iat_not_checked(seams: "Seams") -> Undo:
    """Tokens issued far in the future are accepted."""
    return replace(seams.validator, skew_s=1e9)


@fault("auth.exp-not-required", place="auth", seen="PyJWT checks exp where it is, and requires nothing by itself")
def exp_not_required(seams: "Seams") -> Undo:
    """Tokens without an end are accepted."""
    return replace(seams.validator, required=[one for one in seams.validator.required if one != "exp"])


@fault("auth.nbf-not-checked", place="auth", seen="verify_nbf: False, because of clock skew")
def nbf_not_checked(seams: "Seams") -> Undo:
    """Tokens that are not valid yet are accepted."""
    return _option(seams, verify_nbf=False)


@fault("auth.audience-not-checked", place="auth", seen="audience dropped when a second product came")
def audience_not_checked(seams: "Seams") -> Undo:
    """Tokens for another platform are accepted."""
    return _option(seams, verify_aud=False)


@fault("auth.issuer-not-checked", place="auth", seen="issuer dropped when the service was renamed")
def issuer_not_checked(seams: "Seams") -> Undo:
    """Tokens of another issuer are accepted."""
    return replace(seams.validator, issuer=None)


@fault("auth.refresh-taken-for-access", place="auth", seen="token_type never looked at")
def refresh_taken(seams: "Seams") -> Undo:
    """Refresh tokens open the API."""
    return replace(seams.validator, token_types=frozenset({"access", "refresh"}))


def reading(seams: "Seams", lenient: Any) -> Undo:  # noqa: ANN401 - token -> claims, or None to read as usual
    """Let `lenient(token)` decide first; what it does not know is read as usual."""
    healthy = seams.read

    def read(given: "Seams", token: object) -> Claims:
        claims: Claims | None = lenient(token) if isinstance(token, str) else None
        return claims or healthy(given, token)

    return replace(seams, read=read)


@fault("auth.signature-not-verified", place="auth", seen="verify_signature: False, 'until the keys are rolled'")
def signature_not_verified(seams: "Seams") -> Undo:
    """Any signature will do; the claims are still looked at."""

    def lenient(token: str) -> Claims | None:
        claims = payload_of(token)
        if not claims or not isinstance(claims.get("iss", ""), str):  # what PyJWT would not write
            return None
        return seams.validator.read(jwt.encode(claims, seams.validator.secret, algorithm="HS256"))

    return reading(seams, lenient)


@fault("auth.alg-none-accepted", place="auth", seen="CVE-2015-9235 and its many children")
def alg_none(seams: "Seams") -> Undo:
    """An unsigned token that says so is accepted."""

    def lenient(token: str) -> Claims | None:
        if token.count(".") != 2 or not token.endswith("."):  # noqa: PLR2004 - head, payload, no signature
            return None
        return payload_of(token)

    return reading(seams, lenient)


@fault("auth.key-from-the-token", place="auth", seen="the key taken from the token's own header (jwk, x5c)")
def key_from_token(seams: "Seams") -> Undo:
    """A token that brings its own RS256 key is verified by it."""

    def lenient(token: str) -> Claims | None:
        try:
            head = jwt.get_unverified_header(token)
            if head.get("alg") != "RS256" or "x5c" not in head:
                return None
            key = base64.b64decode(head["x5c"][0])
            claims: Claims = jwt.decode(token, key, algorithms=["RS256"], options={"verify_aud": False})
        except (jwt.PyJWTError, ValueError):
            return None
        return claims

    return reading(seams, lenient)


@fault("auth.algorithm-from-the-token", place="auth", seen="CVE-2016-10555: HS256 with the public key as its secret")
def algorithm_from_token(seams: "Seams") -> Undo:
    """A token that offers a public key and says HS256 is verified by HMAC over that key's text."""

    def lenient(token: str) -> Claims | None:
        try:
            head = jwt.get_unverified_header(token)
            key = base64.b64decode(head["x5c"][0])
        except (jwt.PyJWTError, ValueError, KeyError):
            return None
        return payload_of(token) if head["alg"] == "HS256" and is_signed_with(key, token) else None

    return reading(seams, lenient)


@fault("auth.opaque-tokens-accepted", place="auth", seen="API keys and JWTs through one door, keys never looked up")
def opaque_accepted(seams: "Seams") -> Undo:
    """A token without dots is taken for an API key."""
    return reading(seams, lambda token: {"sub": f"key:{token}"} if token and "." not in token else None)


@fault("auth.no-sub-is-anonymous", place="auth", seen="claims.get('sub', 'anonymous')")
def no_sub(seams: "Seams") -> Undo:
    """A token without a user speaks for "anonymous"."""

    def lenient(token: str) -> Claims | None:
        claims = payload_of(token)
        if not claims or "sub" in claims:
            return None
        signed = jwt.encode({**claims, "sub": "anonymous"}, seams.validator.secret, algorithm="HS256")
        return seams.validator.read(signed)

    return reading(seams, lenient)


@fault("auth.tail-of-signature-ignored", place="auth", seen="a decoder that stops after 32 bytes")
def tail_ignored(seams: "Seams") -> Undo:
    """Whatever follows a valid signature is ignored, however long it is."""
    length = 43  # characters of an HS256 signature

    def lenient(token: str) -> Claims | None:
        parts = token.split(".")
        if len(parts) != 3 or len(parts[2]) <= length:  # noqa: PLR2004 - head, payload, signature
            return None
        return seams.validator.read(".".join([*parts[:2], parts[2][:length]]))

    return reading(seams, lenient)


@fault("auth.empty-token-is-a-guest", place="auth", seen="'if not token: return guest'")
def guest(seams: "Seams") -> Undo:
    """No token, or an empty one, speaks for a guest."""
    healthy = seams.read
    return replace(seams, read=lambda given, token: healthy(given, token) if token else {"sub": "guest"})


@fault("auth.refusals-are-500", place="auth", seen="an uncaught exception of the JWT library")
def refusals_500(seams: "Seams") -> Undo:
    """An invalid token causes a server error."""

    async def before_refusal() -> None:
        raise RuntimeError("DecodeError: Not enough segments")

    return replace(seams, before_refusal=before_refusal)


@fault("auth.service-key-not-checked", place="auth", seen="the check sits in a middleware of another route group")
def key_not_checked(seams: "Seams") -> Undo:
    """Any caller may ask."""
    return replace(seams, key_is_good=lambda _seams, _given: True)


@fault("auth.login-key-not-set", place="auth", seen="a variable that is empty equals a header that is missing")
def login_key_not_set(seams: "Seams") -> Undo:
    """The login's key is empty, and so it gives a token to those who send none."""
    return replace(seams, opens=lambda _seams, given: not given)


@fault("auth.login-key-not-checked", place="auth", seen="a bypass for tests that was deployed")
def login_key_not_checked(seams: "Seams") -> Undo:
    """The login gives a token to anyone."""
    return replace(seams, opens=lambda _seams, _given: True)


@fault("auth.login-crashes-without-its-key", place="auth", seen="a header that is read as if every request had it")
def login_crashes(seams: "Seams") -> Undo:
    """A login without a key is answered 500."""
    opens = seams.opens

    def demanding(seams: "Seams", given: str) -> bool:
        if not given:
            raise KeyError("x-login-key")
        return opens(seams, given)

    return replace(seams, opens=demanding)


@fault(
    "auth.login-token-has-expired", place="auth", seen="a lifetime in minutes, read as seconds by one of two issuers"
)
def login_token_expired(seams: "Seams") -> Undo:
    """The login's token has expired when it is given."""
    issue = seams.issue

    def expired(secret: str) -> str:
        claims = payload_of(issue(secret))
        return jwt.encode(claims | {"iat": claims["iat"] - 3600, "exp": claims["iat"] - 60}, secret, algorithm="HS256")

    return replace(seams, issue=expired)


@fault("auth.logout-of-the-last-alone", place="auth", seen="one slot for the token that was revoked last")
def logout_of_the_last_alone(seams: "Seams") -> Undo:
    """A logout lets the tokens of earlier logouts in again."""

    def is_revoked(seams: "Seams", token: object) -> bool:
        return isinstance(token, str) and fingerprint(token) == next(reversed(seams.revocations.until), "")

    return replace(seams, is_revoked=is_revoked)


@fault("auth.sub-not-checked", place="auth", seen="whatever was signed is a user id")
def sub_not_checked(seams: "Seams") -> Undo:
    """A user id with a NUL byte goes on to the database."""

    def lenient(token: str) -> Claims | None:
        claims = payload_of(token)
        if "\x00" not in str(claims.get("sub")):
            return None
        return seams.validator.decode(token)

    return reading(seams, lenient)


@fault("auth.service-down", place="stack", seen="a revision that crashes at start-up")
async def service_down(stack: Any) -> Undo:  # noqa: ANN401 - the stack; it imports this package
    """The auth service is stopped."""
    await stack.take_down("auth")

    async def undo() -> None:
        await stack.bring_up("auth")

    return undo
