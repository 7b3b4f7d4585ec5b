"""Our own keys, which no service has a reason to trust: one for every algorithm that tokens are signed with."""

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import RSAAlgorithm

SHARED = "another secret, long enough for each of HS256, HS384 and HS512 there"
CURVES: dict[str, type[ec.EllipticCurve]] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """An RSA key of the size that RFC 7518 requires."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def key_for(algorithm: str) -> Any:  # noqa: ANN401 - a text or a private key, as PyJWT takes them
    """A key that signs by the algorithm; an unknown algorithm gets the shared secret, and PyJWT says what is wrong."""
    if algorithm[:2] in {"RS", "PS"}:
        return rsa_key()
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm]())
    return ed25519.Ed25519PrivateKey.generate() if algorithm == "EdDSA" else SHARED


def public_pem() -> str:
    """The public half of our RSA key, as PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return rsa_key().public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def public_jwk() -> dict[str, Any]:
    """The same as a JWK."""
    jwk: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(rsa_key().public_key()))
    return jwk
