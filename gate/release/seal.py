"""How a stored run is known to be what was stored: a digest over itself, and one over the run that lay before it.

An edit, a replacement and a removal are seen by whoever has no key as well. Somebody who may write into the store could
make all digests anew; with `NETRA_EVIDENCE_KEY` every run carries an HMAC too, which can't be made without the key.
"""

import hashlib
import hmac

import msgspec

from gate.redaction import Concealed
from gate.verdict_document import Before, Document, Seal, decode, encode

KEY_VARIABLE = "NETRA_EVIDENCE_KEY"
BLANK = "0" * 64


def digest(body: bytes) -> str:
    """SHA-256 as it stands in a document."""
    return hashlib.sha256(body).hexdigest()


def seal(document: Document, before: Before | None, key: Concealed | None) -> Document:
    """The document with its seal."""
    blank = msgspec.structs.replace(document, seal=Seal(BLANK, "", before))
    blank = decode(encode(blank))  # as a reader will have it: 5 in a field of fractions is 5.0 from now on
    body = msgspec.json.encode(blank)
    return msgspec.structs.replace(blank, seal=Seal(digest(body), _signature(body, key), before))


def broken_seal(document: Document, key: Concealed | None) -> str:
    """What is wrong with a document's seal; empty when nothing is."""
    if document.seal is None:
        return "carries no digest: it was not put there by this suite"
    body = msgspec.json.encode(msgspec.structs.replace(document, seal=Seal(BLANK, "", document.seal.before)))
    if not hmac.compare_digest(document.seal.digest, digest(body)):
        return "is not what was stored: its digest is not that of its content"
    if key and not hmac.compare_digest(document.seal.hmac, _signature(body, key)):
        return f"is {'signed with another key than' if document.seal.hmac else 'not signed with'} {KEY_VARIABLE}"
    return ""


def _signature(body: bytes, key: Concealed | None) -> str:
    return hmac.new(key.reveal().encode("utf-8", "surrogateescape"), body, hashlib.sha256).hexdigest() if key else ""
