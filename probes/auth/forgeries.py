"""Every kind of token that must be refused, made with PyJWT, or by hand if PyJWT refuses to."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt

from probes.auth.foreign_keys import key_for, public_jwk, public_pem, rsa_key
from probes.auth.near_claims import NEAR_CLAIMS, Change
from probes.auth.tokens import Mint, TokenSource, User
from probes.secret import Secret

HOUR_S = 3600
OVERLONG = 64 * 1024
NOT_ASCII = "not ASCII"
RESIGNED, TAMPERED = "re-signed", "with a changed payload"
BEYOND_ASCII = "é"
# The last character stays: some of its bits may be none of the signature's, and not every reader lets them be set.
NEAR_SIGNATURES: dict[str, Callable[[str], str]] = {
    "signature of other case": lambda signature: signature[:-1].swapcase() + signature[-1:],
    "half a signature": lambda signature: signature[: len(signature) // 8 * 4],  # as base64 has it, by four characters
    "signature that ends otherwise": lambda signature: (
        signature[:-13] + signature[-13:-1].swapcase()[::-1] + signature[-1:]
    ),
}


@dataclass(frozen=True, slots=True)
class Forgery:
    """What a client presents instead of a valid token.

    `token` is the credential itself (None: nothing is presented). `authorization` holds the raw Authorization
    values for REST and for the WebSocket by header, if they are more or other than `Bearer <token>`.
    `query` puts the token into the query string instead.
    """

    kind: str
    token: Secret | None
    authorization: tuple[Secret, ...] = ()
    query: bool = False

    def headers(self) -> list[tuple[str, Secret]]:
        """The Authorization headers as a client would send them."""
        if self.authorization:
            return [("Authorization", value) for value in self.authorization]
        if self.query or self.token is None:
            return []
        return [("Authorization", self.token.derive(_bearer))]


def _bearer(token: str) -> str:
    return f"Bearer {token}".strip()  # HTTP forbids white space at a value's end


def forge(kind: str, tokens: TokenSource, user: User) -> Forgery:
    """Make the forgery of a kind.

    Raises:
        KeyError: The kind is not in `KINDS`.
        TypeError: The kind is in `SIGNED`, and the tokens do not come from a mint.
    """
    if kind not in SIGNED:
        return UNSIGNED[kind](kind, tokens, user)
    if not isinstance(tokens, Mint):
        raise TypeError(f"a forgery {kind!r} is signed with the auth service's own secret")
    return SIGNED[kind](kind, tokens, user)


Make = Callable[[str, TokenSource, User], Forgery]
Sign = Callable[[str, Mint, User], Forgery]


def _changed(**changes: Any) -> Sign:  # noqa: ANN401 - claim values
    """A well-signed token with claims changed; None removes a claim."""

    def make(kind: str, mint: Mint, user: User) -> Forgery:
        claims = mint.claims(user) | changes
        return Forgery(kind, mint.sign({name: value for name, value in claims.items() if value is not None}))

    return make


def _nearly(change: Change) -> Sign:
    """A well-signed token that is valid but for one claim, which is nearly right."""

    def make(kind: str, mint: Mint, user: User) -> Forgery:
        claims = mint.claims(user)
        return Forgery(kind, mint.sign(claims | change(claims)))

    return make


def _critical(kind: str, mint: Mint, user: User) -> Forgery:
    """Requires an extension that no service knows: RFC 7515, 4.1.11 has it refused."""
    return Forgery(kind, mint.sign(mint.claims(user), {"crit": ["nv-unknown"], "nv-unknown": True}))


def _expired(kind: str, mint: Mint, user: User) -> Forgery:
    return Forgery(kind, mint.sign(mint.claims(user, now=time.time() - HOUR_S)))


def _not_yet_valid(kind: str, mint: Mint, user: User) -> Forgery:
    return Forgery(kind, mint.sign(mint.claims(user) | {"nbf": int(time.time()) + HOUR_S}))


def _issued_ahead(kind: str, mint: Mint, user: User) -> Forgery:
    """Issued three times as far ahead as clocks may differ: a wrong clock can't explain that."""
    return Forgery(kind, mint.sign(mint.claims(user, now=time.time() + 3 * mint.skew_s)))


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _unsigned(algorithm: str) -> Make:
    """A token without a signature, which says so."""

    def make(kind: str, tokens: TokenSource, user: User) -> Forgery:
        return Forgery(kind, Secret(f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(tokens.claims(user))}."))

    return make


def _wrong_signature(kind: str, tokens: TokenSource, user: User) -> Forgery:
    """Signed by the service's own algorithm, under its key's id, with our own key."""
    head = tokens.header
    token = jwt.encode(tokens.claims(user), key_for(head["alg"]), head["alg"], headers=head)
    return Forgery(kind, Secret(token))


def _offered() -> dict[str, Any]:
    """Header fields in which a token offers the key to verify it with."""
    return {"x5c": [base64.b64encode(public_pem().encode()).decode()], "jwk": public_jwk()}


def _own_key(kind: str, tokens: TokenSource, user: User) -> Forgery:
    """Signed with RS256 by our own key, whose public half the token itself offers."""
    return Forgery(kind, Secret(jwt.encode(tokens.claims(user), rsa_key(), algorithm="RS256", headers=_offered())))


def _confusion(kind: str, tokens: TokenSource, user: User) -> Forgery:
    """HS256 whose secret is the text of a public key: accepted if the header's algorithm decides how a key is used.

    The key is the service's own, under its own id, if we have it (RS256), else one that the token offers. By hand:
    PyJWT refuses a PEM as an HMAC secret, because of this very attack.
    """
    theirs = tokens.public_key()
    head = tokens.header | ({} if theirs else _offered())
    return Forgery(kind, _by_hand(head, tokens.claims(user), (theirs or public_pem()).encode()))


def _by_hand(head: dict[str, Any], claims: dict[str, Any], key: bytes) -> Secret:
    """HS256 with a key that PyJWT would not sign with."""
    signed = f"{_part(head | {'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    mac = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return Secret(f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


def _named_key(kid: str, key: bytes) -> Make:
    """A token whose `kid` leads a careless look-up to a key that we know."""
    return lambda kind, tokens, user: Forgery(kind, _by_hand({"kid": kid}, tokens.claims(user), key))


def _key_set(kind: str, tokens: TokenSource, user: User) -> Forgery:
    """RS256 with our own key; `jku` holds the key set itself (a data: URL), so that nothing has to be fetched."""
    keys = json.dumps({"keys": [public_jwk() | {"kid": "nv", "use": "sig", "alg": "RS256"}]}).encode()
    headers = {"jku": f"data:application/json;base64,{base64.b64encode(keys).decode()}", "kid": "nv"}
    return Forgery(kind, Secret(jwt.encode(tokens.claims(user), rsa_key(), algorithm="RS256", headers=headers)))


def _swapped(kind: str, tokens: TokenSource, user: User) -> Forgery:
    """A valid token whose payload was replaced under its signature."""
    payload = _part(tokens.claims(user) | {"permissions": ["admin"]})

    def swap(token: str) -> str:
        head, _, signature = token.split(".")
        return f"{head}.{payload}.{signature}"

    return Forgery(kind, tokens.good(user).derive(swap))


def _nearly_signed(kind: str, tokens: TokenSource, user: User) -> Forgery:
    """A valid token under a signature that is nearly its own: what a careless comparison takes for it."""

    def change(token: str) -> str:
        signed, _, signature = token.rpartition(".")
        return f"{signed}.{NEAR_SIGNATURES[kind](signature)}"

    return Forgery(kind, tokens.good(user).derive(change))


def _not_ascii(kind: str, tokens: TokenSource, user: User) -> Forgery:
    """A valid token with a letter outside ASCII in its payload: a header has it as one byte over 127, a body as UTF-8.

    Read without what is not ASCII, it is valid. In the signature it would prove less: base64 may be read leniently.
    """
    return Forgery(kind, tokens.good(user).derive(lambda token: token.replace(".", f".{BEYOND_ASCII}", 1)))


def _overlong(kind: str, tokens: TokenSource, user: User) -> Forgery:
    return Forgery(kind, tokens.good(user).derive(lambda token: token + "A" * OVERLONG))


def _two_headers(kind: str, tokens: TokenSource, user: User) -> Forgery:
    other = _wrong_signature(kind, tokens, user)
    good = Forgery(kind, tokens.good(user))
    return Forgery(kind, other.token, authorization=tuple(value for _, value in (*other.headers(), *good.headers())))


def _basic(kind: str, tokens: TokenSource, user: User) -> Forgery:
    def encode(token: str) -> str:
        return f"Basic {base64.b64encode(f'{user.sub}:{token}'.encode()).decode()}"

    return Forgery(kind, None, authorization=(tokens.good(user).derive(encode),))


def _behind_a_word(kind: str, tokens: TokenSource, user: User) -> Forgery:
    """A valid token that is not the credential: what follows the scheme is."""
    return Forgery(kind, tokens.good(user).derive(lambda token: f"nv {token}"))


def _of_another_scheme(kind: str, tokens: TokenSource, user: User) -> Forgery:
    """A valid token under a scheme that the service does not have."""
    return Forgery(kind, None, authorization=(tokens.good(user).derive(lambda token: f"Token {token}"),))


# Made without the auth service's secret: by anyone, or from one valid token.
UNSIGNED: dict[str, Make] = {
    "none": lambda kind, _tokens, _user: Forgery(kind, None),
    "empty": lambda kind, _tokens, _user: Forgery(kind, Secret()),
    "not a JWT": lambda kind, _tokens, _user: Forgery(kind, Secret("not-a-jwt")),
    "wrong signature": _wrong_signature,
    "alg none": _unsigned("none"),
    "alg none in capitals": _unsigned("nOnE"),  # which a list of refused words may lack: CVE-2022-23540 and others
    "own RS256 key": _own_key,
    "HS-RS confusion": _confusion,
    "kid path": _named_key("../../../../../../../../dev/null", b""),
    "kid statement": _named_key("nv' UNION SELECT 'nv-key' -- ", b"nv-key"),
    "jku": _key_set,
    "payload swapped": _swapped,
    **dict.fromkeys(NEAR_SIGNATURES, _nearly_signed),
    NOT_ASCII: _not_ascii,
    "64 KiB": _overlong,
    "two headers": _two_headers,
    "Basic": _basic,
    "another scheme": _of_another_scheme,
    "a word before it": _behind_a_word,
    "in the query string": lambda kind, tokens, user: Forgery(kind, tokens.good(user), query=True),
}
REFRESH = "refresh as access"  # only if the service distinguishes refresh tokens from access tokens
# Well signed, but with wrong claims: only someone who has the secret can make them.
SIGNED: dict[str, Sign] = {
    "expired": _expired,
    "never expires": _changed(exp=None),
    "not yet valid": _not_yet_valid,
    "issued ahead": _issued_ahead,
    "wrong issuer": _changed(iss="somebody-else"),
    "wrong audience": _changed(aud="another-platform"),
    "no issuer": _changed(iss=None),
    "no audience": _changed(aud=None),
    "no sub": _changed(sub=None),
    **{kind: _nearly(change) for kind, change in NEAR_CLAIMS.items()},
    "crit": _critical,
    REFRESH: lambda kind, mint, user: Forgery(kind, mint.sign({**mint.claims(user), **mint.refresh_claims})),
}
KINDS = (*UNSIGNED, *SIGNED)


def resigned(token: Secret) -> Forgery:
    """A valid token to the letter, but for its signature."""
    return Forgery(RESIGNED, token.derive(_with_other_signature))


def _with_other_signature(token: str) -> str:
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{'B' if signature.startswith('A') else 'A'}{signature[1:]}"


def tampered(token: Secret) -> Forgery:
    """A valid token to the letter, but for its payload: it has one claim more."""
    return Forgery(TAMPERED, token.derive(_with_other_payload))


def _with_other_payload(token: str) -> str:
    signed, _, signature = token.rpartition(".")
    header, _, payload = signed.partition(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    changed = json.dumps({**claims, "nv": "changed"}, separators=(",", ":")).encode()
    return f"{header}.{base64.urlsafe_b64encode(changed).rstrip(b'=').decode()}.{signature}"


def forge_plain(tokens: TokenSource, user: User) -> Forgery:
    """An ordinary invalid token: an expired one if we can sign it, else one with a wrong signature."""
    return forge("expired" if isinstance(tokens, Mint) else "wrong signature", tokens, user)
