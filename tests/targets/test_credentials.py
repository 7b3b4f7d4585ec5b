"""A credential that can't work is reported before anything is contacted: its variable, the mistake, never its value."""

import base64
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gate.redaction import Redactor
from probes.secret import Secret
from targets.credentials import secrets_of_addresses, secrets_of_environment, without_armour
from targets.dsn import secrets_of_dsn
from targets.loading import ConfigurationError, load_target
from tests.system.running import run
from tests.targets.test_loading import write

KEY = "canary-0123456789-canary-0123456789"
PEM = f"-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n"  # no key: what it begins with is enough
NOW = int(time.time())


def token(ends: object) -> str:
    return jwt.encode({"sub": "nv-a", "exp": ends}, KEY, algorithm="HS256")


def claiming(payload: bytes) -> str:
    return f"{KEY}.{base64.urlsafe_b64encode(payload).decode()}.{KEY}"


UNFIT = {
    "newline": ("NETRA_TOKENS__SERVICE_KEY", f"{KEY}\n", "ends with a newline"),
    "blank": ("NETRA_TOKENS__SERVICE_KEY", f" {KEY}", "spaces around it"),
    "quotes": ("NETRA_TOKENS__LOGIN_KEY", f'"{KEY}"', "quotes around it"),
    "single quotes": ("NETRA_TOKENS__SIGNING_SECRET", f"'{KEY}'", "quotes around it"),
    "Bearer": ("TOKEN", f"Bearer {token(NOW + 900)}", "begins with 'Bearer'"),
    "not ASCII": ("NETRA_TOKENS__SERVICE_KEY", f"{KEY}\u00e9", "not allowed in a header"),
    "control": ("NETRA_PLATFORM__ACCESS_TOKEN", f"{KEY}\x1b{KEY}", "control character"),
    "two words": ("NETRA_PROMETHEUS__ACCESS_TOKEN", f"{KEY} {KEY}", "contains a space"),
    "too short": ("NETRA_TOKENS__SIGNING_SECRET", KEY[:31], "31 bytes"),
    "PEM": ("NETRA_TOKENS__SIGNING_SECRET", PEM, 'set [contract.tokens] algorithm = "RS256"'),
    "ended": ("TOKEN", token(NOW - 60), "expired at 20"),
    "ended before all dates": ("TOKEN", token(-1e300), "expired at 1970"),
    "no JWT": ("TOKEN", KEY, "is not a JWT"),
    "no end": ("TOKEN", claiming(b'{"exp": "soon"}'), "is not a JWT"),
    "too deep": ("TOKEN", claiming(b"[" * 90_000), "is not a JWT"),
    "audience": ("NETRA_CONTRACT__TOKENS__AUDIENCE", f'["{KEY}", "another"]', "JSON list"),
    "evidence key, newline": ("NETRA_EVIDENCE_KEY", f"{KEY}\n", "ends with a newline"),
    "evidence key, short": ("NETRA_EVIDENCE_KEY", "canary-short", "at least 16 characters"),
    "keywords": ("NETRA_DATABASE__URL", f"host=db password={KEY}", "is not a URL"),
    "slash": ("NETRA_DATABASE__URL", f"postgresql://u:{KEY}/{KEY}@db/x", "%2F"),
    "hash": ("NETRA_DATABASE__URL", f"postgresql://u:{KEY}#{KEY}@db/x", "%23"),
    "bracket": ("NETRA_DATABASE__URL", f"postgresql://u:{KEY}[@db/x", "%5B"),
    "port": ("NETRA_DATABASE__URL", f"postgresql://u:{KEY}@db:{KEY}/x", "can't be read as a URL"),
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {name for name, _, _ in UNFIT.values()}:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("case", UNFIT)
def test_an_unfit_credential_is_named_and_not_shown(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, value, said = UNFIT[case]
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_target("mine", write(tmp_path))
    text = str(caught.value)
    assert name in text
    assert said in text
    assert "nothing was contacted" in text
    assert not Redactor([Secret(KEY)]).leaks(text.replace("mine", ""))
    assert value not in text


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> str:
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


RS256 = '[contract.tokens]\nalgorithm = "RS256"\n'
NO_KEYS: dict[str, tuple[Callable[[rsa.RSAPrivateKey], str], str]] = {
    "a shared secret": (lambda _: KEY, "is not a PEM"),
    "a public key": (lambda _: PEM.replace("PRIVATE", "PUBLIC"), "is a public key"),
    "a certificate": (lambda _: PEM.replace("PRIVATE KEY", "CERTIFICATE"), "is a public key"),
    "cut": (lambda key: pem(key)[:-400], "can't be read"),
    "line breaks written out": (lambda key: pem(key).replace("\n", "\\n"), "instead of line breaks"),
    "under a passphrase": (lambda key: pem(key, b"sesame"), "without one"),
    "an elliptic curve's": (lambda _: pem(ec.generate_private_key(ec.SECP256R1())), "is not an RSA key"),
    "too short": (lambda _: pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "has 1024 bits"),  # noqa: S505 - the case
}


@pytest.mark.parametrize("case", NO_KEYS)
def test_what_can_not_sign_with_rs256_is_named_and_not_shown(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: rsa.RSAPrivateKey
) -> None:
    make, said = NO_KEYS[case]
    value = make(key)
    monkeypatch.setenv("NETRA_TOKENS__SIGNING_SECRET", value)
    with pytest.raises(ConfigurationError, match="NETRA_TOKENS__SIGNING_SECRET") as caught:
        load_target("mine", write(tmp_path, RS256))
    assert said in str(caught.value)
    assert not Redactor([without_armour(Secret(value))]).leaks(str(caught.value))


def test_a_private_key_is_taken_and_hidden_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: rsa.RSAPrivateKey
) -> None:
    monkeypatch.setenv("NETRA_TOKENS__SIGNING_SECRET", pem(key))
    target = load_target("mine", write(tmp_path, RS256))
    assert target.token_way == "mint"
    redactor = Redactor(target.secrets)
    lines = pem(key).splitlines()
    assert all(redactor.text(f"a {line} b") == "a [redacted] b" for line in lines[1:-1])
    assert redactor.text("the private key") == "the private key"


def test_a_good_credential_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NETRA_TOKENS__SERVICE_KEY", "NETRA_TOKENS__LOGIN_KEY", "NETRA_PLATFORM__ACCESS_TOKEN"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("TOKEN", token(NOW + 900))
    monkeypatch.setenv("NETRA_DATABASE__URL", f"postgresql://u:{quote('p/#@[' + KEY, safe='')}@db.invalid:5432/x")
    assert load_target("mine", write(tmp_path)).token_way == "given"


def test_an_unfit_credential_is_exit_code_4_and_one_paragraph(tmp_path: Path) -> None:
    write(tmp_path)
    env = {"NETRA_TOKENS__SERVICE_KEY": f"{KEY}\n", "HOME": "/nonexistent"}
    where = (f"--targets-dir={tmp_path}", f"--report-dir={tmp_path / 'reports'}")
    code, output = run("pytest", "-c", "pytest.ini", "--target=mine", *where, env=env)
    assert code == 4
    assert "NETRA_TOKENS__SERVICE_KEY ends with a newline" in output
    assert KEY not in output
    assert "Traceback" not in output


PASSWORD = "p/w@x[y#z-canary"
ADDRESSES = {
    "URL": f"postgresql://netra:{PASSWORD}@10.0.0.1:5432/db",
    "coded URL": f"postgresql://netra:{quote(PASSWORD, safe='')}@10.0.0.1:5432/db",
    "query": f"postgresql://netra@10.0.0.1/db?password={quote(PASSWORD, safe='')}",
    "keywords": f"host=10.0.0.1 dbname=db user=netra password={PASSWORD}",
    "quoted keywords": f"password = '{PASSWORD}' host=10.0.0.1",
    "another scheme": f"postgresql+asyncpg://netra:{PASSWORD}@10.0.0.1/db",
}


@pytest.mark.parametrize("how", ADDRESSES)
def test_the_password_of_an_address_is_a_secret_however_it_is_written(how: str) -> None:
    redactor = Redactor(secrets_of_dsn(Secret(ADDRESSES[how])))
    assert "canary" not in redactor.text(f"password authentication failed: {PASSWORD}")
    assert "canary" not in redactor.text(ADDRESSES[how])


def test_a_quoted_password_with_a_quote_in_it_is_found_as_it_is_meant() -> None:
    redactor = Redactor(secrets_of_dsn(Secret(r"host=db password='it\'s a \\ secret'")))
    assert "secret" not in redactor.text(r"refused: it's a \ secret")


def test_what_libraries_take_from_the_environment_is_secret_too() -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{KEY},x-tenant=acme-tenant-7",
        "PGPASSWORD": "another-canary",
        "https_proxy": "http://me:third-canary@proxy.invalid:3128",
        "GITHUB_TOKEN": "fourth-canary-of-the-job",
        "MY_BROKER_PASSWORD": "fifth-canary-of-the-job",
    }
    every = f"{KEY} acme-tenant-7 another-canary third-canary fourth-canary-of-the-job fifth-canary-of-the-job"
    text = Redactor(secrets_of_environment(environ)).text(every)
    assert text.replace("[redacted]", "").strip() == ""


@pytest.mark.parametrize(
    "word, hidden",
    [
        ("https://h/a/b.json?X-Goog-Signature=abcdef012345", ["abcdef012345"]),
        ("--log-export=https://h/a?alt=media&sig=ab%2Fcdef0123456", ["ab/cdef0123456", "ab%2Fcdef0123456"]),
        ("--evidence=s3://key:secret-of-it@h/bucket", ["secret-of-it"]),
        ("https://h/a/b.json?X-Goog-Date=20261128T100000Z&X-Goog-Expires=3600", []),
        ("--log-export=/tmp/a?token=abcdef0123456.json", []),
        ("threads.metadata[json-null]", []),
    ],
)
def test_what_is_secret_of_an_address_on_the_command_line(word: str, hidden: list[str]) -> None:
    assert [secret.reveal() for secret in secrets_of_addresses([word])] == hidden
