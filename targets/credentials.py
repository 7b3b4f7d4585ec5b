"""Checks credentials before anything is contacted: one sentence for each that can't work, without its value."""

import base64
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from probes.errors import UNREADABLE
from probes.foreign.json_values import read_json
from probes.secret import Secret
from targets.dsn import secrets_of_dsn
from targets.leave import database_name, variable
from targets.pasted_dsn import SYSTEM, read_pasted

HS256_BYTES = 32  # RFC 7518, 3.2: a key of the hash's size or larger
ARMOUR = re.compile(r"\s*-----(BEGIN|END) [A-Z ]+-----\s*")
RS256_BITS = 2048  # RFC 7518, 3.3
QUOTES = ("'", '"', "`", "\u201c", "\u2018")
EVIDENCE_KEY = "NETRA_EVIDENCE_KEY"
SHORTEST_EVIDENCE_KEY = 16
OTHERS = ("PGPASSWORD", EVIDENCE_KEY, "GITHUB_TOKEN", "NETRA_GITLAB_TOKEN")
NAMED_SO = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|(ACCESS|PRIVATE|SECRET|SERVICE|SIGNING)_KEY)$")
SIGNED_BY = re.compile(r"(SIG|SIGNATURE|TOKEN|SECRET|PASSWORD|KEY)$")  # of a URL's query: who has it, has the file
SHORTEST_NAMED = 12  # a shorter value may be an ordinary word; the credentials that we use are known anyway
MESSENGERS = "NETRA_TELL"
HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
GIVEN = "tokens.given"
SIGNING = "tokens.signing_secret"
DATABASE = "database.url"
FILES = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile"})


def what_is_wrong(credentials: Mapping[str, Secret], *, token_is_used: bool, algorithm: str) -> list[str]:
    """Why credentials can't work: one sentence each, with the variable and what to do; empty if they may.

    Args:
        credentials: By dotted key; empty ones are skipped.
        token_is_used: Whether the run uses the supplied token; only then does it matter that one has expired.
        algorithm: The contract's algorithm for signing tokens.
    """
    problems = []
    for key, secret in credentials.items():
        why = next(_reasons(key, secret.reveal(), algorithm, token_is_used=token_is_used), "") if secret else ""
        problems += [f"{_named(key)} {why}."] if why else []
    return problems


def wrong_claims(claims: Mapping[str, str]) -> list[str]:
    """Why an issuer or an audience can't be a token's claim, which is a single string: one sentence each."""
    return [
        f"{variable(key)} is a JSON list, but our tokens have a single string there: give the one for this service."
        for key, value in claims.items()
        if value.lstrip().startswith("[")
    ]


def evidence_key(environ: Mapping[str, str]) -> Secret | None:
    """The key for signing stored runs; None if the environment has none."""
    given = environ.get(EVIDENCE_KEY, "")
    return Secret(given) if given else None


def wrong_evidence_key(environ: Mapping[str, str]) -> list[str]:
    """Why the evidence key can't be used, as one sentence with the variable; empty if it can."""
    text = environ.get(EVIDENCE_KEY, "")
    short = [f"must have at least {SHORTEST_EVIDENCE_KEY} characters"] if len(text) < SHORTEST_EVIDENCE_KEY else []
    wrong = [*_of_any(text), *short] if text else []
    return [f"{EVIDENCE_KEY} {wrong[0]}: set it exactly as the secret store holds it."] if wrong else []


def secrets_of_environment(environ: Mapping[str, str]) -> tuple[Secret, ...]:
    """Secrets in the environment that could be printed: passwords, headers and proxies that libraries read from it.

    Also a CI job's other credentials, recognised by the names of their variables: we use none of them, but a library's
    stack frame may contain them all.
    """
    found = [environ[name] for name in OTHERS if environ.get(name)]
    found += [
        value for name, value in environ.items() if NAMED_SO.search(name.upper()) and len(value) >= SHORTEST_NAMED
    ]
    found += environ.get(MESSENGERS, "").split()  # URLs that are credentials as a whole
    for name in HEADERS:
        values = [pair.partition("=")[2].strip() for pair in environ.get(name, "").split(",")]
        found += [part for value in values for part in (value, unquote(value), unquote(value).rpartition(" ")[2])]
    for name in PROXIES:
        found += [part.reveal() for part in secrets_of_dsn(Secret(environ.get(name) or environ.get(name.lower(), "")))]
    return tuple(Secret(value) for value in dict.fromkeys(found) if value)


def secrets_of_addresses(words: Iterable[str]) -> tuple[Secret, ...]:
    """Secrets in addresses on a command line, alone or behind an option's `=`: passwords, and what signs a URL."""
    found: list[Secret] = []
    for word in words:
        option, equals, value = word.partition("=")
        address = value if equals and "://" in value and "://" not in option else word
        if "://" in address:
            found += secrets_of_dsn(Secret(address))
            settings = parse_qsl(address.partition("?")[2].partition("#")[0])
            found += [
                Secret(spelling)
                for key, value in settings
                if SIGNED_BY.search(key.upper()) and len(value) >= SHORTEST_NAMED
                for spelling in dict.fromkeys((value, quote(value, safe="")))
            ]
    return tuple(found)


def without_armour(secret: Secret) -> Secret:
    """A PEM without its first and last line, which are public; any other secret unchanged."""
    return secret.derive(lambda text: ARMOUR.sub("", text).strip() if ARMOUR.match(text) else text)


def _named(key: str) -> str:
    return f"{variable(key)} (or TOKEN)" if key == GIVEN else variable(key)


def _reasons(key: str, text: str, algorithm: str, *, token_is_used: bool) -> Iterator[str]:
    """Everything that is wrong, the clearest first."""
    yield from _of_any(text)
    if key == DATABASE:
        advice = read_pasted(text).advice
        yield from [advice] if advice else _of_place(text)
    elif key == SIGNING:
        yield from _of_signing(text, algorithm)
    else:
        yield from _of_header(text)
    if key == GIVEN and token_is_used:
        yield from _of_token(text)


def _of_any(text: str) -> Iterator[str]:
    if "-----BEGIN" in text:
        return  # a PEM has lines; `_of_private_key` checks it
    if text.endswith(("\n", "\r")):
        yield "ends with a newline: remove it (`echo` writes one, `printf %s` does not)"
    if text != text.strip():
        yield "has spaces around it: remove them"
    if len(text) > 1 and text[0] in QUOTES and text[-1] in (*QUOTES, "\u201d", "\u2019"):
        yield "has quotes around it: they were meant for the shell, but became part of the value"
    if any(ord(letter) < ord(" ") or ord(letter) == 0x7F for letter in text):  # noqa: PLR2004 - DEL
        yield "contains a control character: copy it again, as one line"


def _of_place(text: str) -> Iterator[str]:
    """What an address of the right form lacks: a database, or a file that it names."""
    if not database_name(text):
        yield "has no database name: write postgresql://user:password@host/database"
    for setting, path in parse_qsl(urlsplit(text).query):
        if setting in FILES and path != SYSTEM and not Path(path).is_file():
            yield f"names a file with {setting}= that is not there: give the path of a file on this machine"


def _of_header(text: str) -> Iterator[str]:
    word = text.partition(" ")[0].lower()
    if word in {"bearer", "basic", "token", "authorization:"} and " " in text:
        yield f"begins with {text.partition(' ')[0]!r}, which the suite adds itself: give what comes after it"
    if not text.isascii():
        at = next(number for number, letter in enumerate(text, 1) if not letter.isascii())
        yield f"contains a character that is not allowed in a header (character {at} of {len(text)}): copy it again"
    if " " in text:
        yield "contains a space: copy it again, without the text next to it"


def _of_signing(text: str, algorithm: str) -> Iterator[str]:
    if algorithm == "RS256":
        yield from _of_private_key(text)
        return
    if "-----BEGIN" in text:
        yield (
            "is a PEM key, as for RS256, but tokens are signed with HS256: if the service verifies RS256, set "
            '[contract.tokens] algorithm = "RS256"; else give the shared secret, or supply a token (TOKEN)'
        )
    size = len(text.encode("utf-8", "surrogatepass"))
    if size < HS256_BYTES:
        yield f"has {size} bytes, but HS256 needs at least {HS256_BYTES} (RFC 7518): give the whole secret"


def _of_private_key(text: str) -> Iterator[str]:
    """Why a text can't be a key for RS256; no sentence contains the key."""
    wanted = "[contract.tokens] algorithm is RS256, which signs with the issuer's private RSA key as PEM"
    if "-----BEGIN" not in text:
        yield f"is not a PEM, but {wanted}: give that, or supply a token (TOKEN)"
        return
    if "PUBLIC KEY-----" in text or "CERTIFICATE-----" in text:
        yield f"is a public key, but {wanted}: a public key can't sign"
        return
    if "\\n" in text:
        yield "contains \\n instead of line breaks: a PEM has real ones (in a shell: $(cat key.pem))"
        return
    try:
        key = serialization.load_pem_private_key(text.encode("utf-8", "surrogatepass"), password=None)
    except TypeError:
        yield "is a PEM with a passphrase; give it without one (openssl pkey -in key.pem)"
    except (ValueError, UnsupportedAlgorithm):
        yield f"is a PEM that can't be read, but {wanted}: copy it again, from its first line to its last"
    else:
        if not isinstance(key, rsa.RSAPrivateKey):
            yield f"is not an RSA key, but {wanted}"
        elif key.key_size < RS256_BITS:
            yield f"has {key.key_size} bits, but RS256 needs at least {RS256_BITS} (RFC 7518): give a longer key"


def _of_token(text: str) -> Iterator[str]:
    try:
        payload = text.split(".")[1]
        claims = read_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        ends = float(claims.get("exp", "inf"))
    except UNREADABLE:
        yield "is not a JWT: supply an access token as the login returns it"
        return
    if ends <= time.time():
        when = datetime.fromtimestamp(max(ends, 0.0), UTC).isoformat(timespec="seconds")
        yield f"expired at {when}: supply a new token"
