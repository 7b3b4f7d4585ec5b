"""How a stored run is verified: a digest of itself, and one of the run stored before it.

Edits, replacements and removals are detected even without a key. Somebody who can write to the store could recompute
all digests; with `NETRA_EVIDENCE_KEY` every run also carries an HMAC, which can't be computed without the key.
"""

import hashlib
import hmac

import msgspec

from gate.redaction import Concealed
from gate.verdict_document import Before, Document, Seal, decode, encode

KEY_VARIABLE = "NETRA_EVIDENCE_KEY"
BLANK = "0" * 64


def digest(body: bytes) -> str:
    """SHA-256 as written in a document."""
    return hashlib.sha256(body).hexdigest()


def seal(document: Document, before: Before | None, key: Concealed | None) -> Document:
    """The document with its seal."""
    blank = msgspec.structs.replace(document, seal=Seal(BLANK, "", before))
    blank = decode(encode(blank))  # as a reader will see it: 5 in a float field becomes 5.0
    body = msgspec.json.encode(blank)
    return msgspec.structs.replace(blank, seal=Seal(digest(body), _signature(body, key), before))


def broken_seal(document: Document, key: Concealed | None) -> str:
    """What is wrong with a document's seal; empty if nothing is."""
    if document.seal is None:
        return "has no digest: this suite did not store it"
    body = msgspec.json.encode(msgspec.structs.replace(document, seal=Seal(BLANK, "", document.seal.before)))
    if not hmac.compare_digest(document.seal.digest, digest(body)):
        return "is not what was stored: its digest does not match its content"
    if key and not hmac.compare_digest(document.seal.hmac, _signature(body, key)):
        return f"is {'signed with another key than' if document.seal.hmac else 'not signed with'} {KEY_VARIABLE}"
    return ""


def _signature(body: bytes, key: Concealed | None) -> str:
    return hmac.new(key.reveal().encode("utf-8", "surrogateescape"), body, hashlib.sha256).hexdigest() if key else ""
