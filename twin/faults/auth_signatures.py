"""Faults of a signature that is compared by hand: what is nearly the right one is taken for it."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twin.auth.by_hand import head_of, payload_of
from twin.faults.auth_service import reading
from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams

Claims = dict[str, Any]
BEGINNING = 16


def _comparing(seams: "Seams", key: Callable[[str], object]) -> Undo:
    """Have two signatures be the same if `key` of both is."""
    healthy = seams.read

    def read(given: "Seams", token: object) -> Claims:
        if isinstance(token, str) and token.isascii():
            signed, _, signature = token.rpartition(".")
            mac = hmac.new(given.validator.secret.encode(), signed.encode(), hashlib.sha256).digest()
            right = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
            token = f"{signed}.{right}" if key(signature) == key(right) else token
        return healthy(given, token)

    return replace(seams, read=read)


@fault("auth.alg-none-in-capitals", place="auth", seen="if alg == 'none': refuse; and a library that ignores case")
def alg_none_in_capitals(seams: "Seams") -> Undo:
    """An unsigned token is accepted if its algorithm is None, or NONE, and so on."""

    def lenient(token: str) -> Claims | None:
        algorithm = str(head_of(token).get("alg"))
        return payload_of(token) if algorithm.lower() == "none" != algorithm and token.endswith(".") else None

    return reading(seams, lenient)


@fault("auth.service-key-may-be-empty", place="auth", seen="if key and key != expected: refuse")
def service_key_may_be_empty(seams: "Seams") -> Undo:
    """A header without a key in it is as good as one with the right key."""
    healthy = seams.key_is_good
    return replace(seams, key_is_good=lambda given, key: key == "" or healthy(given, key))


@fault("auth.signature-in-any-case", place="auth", seen="signatures kept in a column whose collation ignores case")
def signature_in_any_case(seams: "Seams") -> Undo:
    """A signature whose letters have another case is the right one."""
    return _comparing(seams, str.lower)


@fault("auth.signature-by-its-beginning", place="auth", seen="strncmp with a length that fitted another algorithm")
def signature_by_its_beginning(seams: "Seams") -> Undo:
    """A signature that begins as the right one does is the right one."""
    return _comparing(seams, lambda signature: signature[:BEGINNING])
