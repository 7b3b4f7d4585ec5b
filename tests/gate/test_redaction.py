"""Secrets are found in every common spelling, whole or cut; ordinary words are left alone; the cost is linear."""

import base64
import html
import json
import re
import shlex
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.redaction import SHORTEST_PIECE, SHORTEST_REMAINDER, SHORTEST_SECRET, Redactor, _with_remainders
from probes.foreign.excerpt import excerpt
from probes.secret import Secret

SECRET = "p&ss/w0rd+\"with\"='signs'\\ <and>; mör€"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuZXRyYSJ9.c2lnbmF0dXJl"
RAW = SECRET.encode()
SPELLINGS: dict[str, str] = {
    "plain": SECRET,
    "percent": quote(SECRET, safe=""),
    "percent, small letters": quote(SECRET, safe="").swapcase(),
    "percent, slashes kept": quote(SECRET),
    "form": quote_plus(SECRET),
    "percent twice": quote(quote(SECRET, safe=""), safe=""),
    "every byte percent": "".join(f"%{byte:02X}" for byte in RAW),
    "hex": RAW.hex(),
    "HEX": RAW.hex().upper(),
    "hex with colons": RAW.hex(":"),
    "JSON": json.dumps(SECRET)[1:-1],
    "JSON with umlauts": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "JSON in JSON": json.dumps(json.dumps(SECRET)),
    "HTML": html.escape(SECRET),
    "HTML by jinja": html.escape(SECRET, quote=False).replace('"', "&#34;").replace("'", "&#39;"),
    "repr": repr(SECRET),
    "repr of bytes": repr(RAW),
    "shell": shlex.quote(SECRET),
    **{
        f"base64 behind {before} bytes": base64.b64encode(b"user:xyz"[:before] + RAW + b"after").decode()
        for before in range(6)
    },
    **{
        f"base64 for addresses behind {before} bytes": base64.urlsafe_b64encode(b"user:xyz"[:before] + RAW).decode()
        for before in range(6)
    },
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_known_secret_goes_whatever_its_spelling(spelling: str) -> None:
    redactor, text = Redactor([Secret(SECRET)]), f"before {SPELLINGS[spelling]} after"
    assert redactor.leaks(text)
    clean = redactor.text(text)
    assert not redactor.leaks(clean)
    assert clean.startswith("before ")
    assert "[redacted]" in clean


SHOWN: dict[str, Callable[[str, int], str]] = {
    "as it is": excerpt,
    "repr": lambda text, most: repr(excerpt(text, most)),
    "in JSON": lambda text, most: json.dumps({"detail": excerpt(text, most)}),
    "repr in JSON": lambda text, most: json.dumps({"detail": repr(excerpt(text, most))}),
    "pytest's": lambda text, most: f"{text[:most]}...{text[-most // 3 :]}",
}
BEFORE = "answered 401: "


KNOWING = Redactor([Secret(SECRET)])
TWICE = {
    "JSON in JSON",
    "percent twice",
}  # written twice already: `repr` would be a third time, which is not sought


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("spelling", sorted(SPELLINGS.keys() - TWICE))
def test_no_piece_of_a_secret_is_left_wherever_a_text_was_cut(spelling: str, shown: str) -> None:
    """Wherever that is; what is left of the secret is shorter than a remainder that says anything."""
    redactor, whole = KNOWING, SPELLINGS[spelling]
    text = f"{BEFORE}{whole} was refused"
    for most in range(len(BEFORE) + SHORTEST_REMAINDER, len(BEFORE + whole), 1 + len(whole) // 60):
        said = redactor.text(SHOWN[shown](text, most))
        assert not redactor.leaks(said), (most, said)
        assert not _remainder(said, redactor), (most, said)


def _remainder(said: str, redactor: Redactor) -> list[str]:
    """What stands at a mark and is more than a few characters of a secret."""
    return [
        piece
        for mark in re.finditer(r"…|\.\.\.", said)
        for piece in (said[: mark.start()][-SHORTEST_REMAINDER:], said[mark.end() :][:SHORTEST_REMAINDER])
        if redactor.leaks(f"{piece}…") or redactor.leaks(f"…{piece}")
    ]


@settings(deadline=None)
@given(st.text(st.sampled_from("abcXYZ019-_"), min_size=SHORTEST_SECRET, max_size=60), st.integers(0, 70))
def test_no_piece_of_any_secret_is_left_at_a_cut(secret: str, most: int) -> None:
    said = Redactor([Secret(secret)]).text(repr(excerpt(f"<<{secret}>>", most + 2)))
    for size in range(SHORTEST_REMAINDER, len(secret)):
        assert f"<<{secret[:size]}" not in said


@settings(deadline=None, max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=SHORTEST_PIECE, max_size=40), st.text(), st.text())
def test_any_secret_goes_from_any_text(secret: str, before: str, after: str) -> None:
    redactor = Redactor([Secret(secret)])
    for written in (secret, json.dumps(secret), html.escape(secret), quote(secret, safe=""), secret.encode().hex()):
        assert written not in redactor.text(f"{before}\n{written}\n{after}")


@pytest.mark.parametrize(
    "text",
    [
        "curl -i -H &#39;Authorization: …&#39; http://x",
        "{&quot;token&quot;: &#39;…&#39;",
        "'...'",
        '"…"',
        r"\'…\'",
        "%27…%27",
        "a\\n…",
        "&amp;…",
        "wait ...",
        "\\\\…",
    ],
)
@pytest.mark.parametrize("secret", [SECRET, "plain-and-long-enough", "with a blank", "it's quoted 'twice'"])
def test_what_was_cut_is_left_alone_where_no_secret_stands_at_the_cut(text: str, secret: str) -> None:
    assert Redactor([Secret(secret)]).text(text) == text


@pytest.mark.parametrize(
    "text,gone",
    [
        (f"Authorization: Bearer {JWT}", JWT),
        (f"token {JWT} refused", JWT),
        ("postgresql://netra:s3cret@10.0.0.1/db", "s3cret"),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ('{"password": "letmein99"}', "letmein99"),
        ("db_password=letmein99", "letmein99"),
        ('{"db_password": "letmein99"}', "letmein99"),
        ("redis://:s3cretLONG@cache:6379/0", "s3cretLONG"),
        ("postgresql://user:s3cretLONG@host/db", "s3cretLONG"),
        ("postgresql://admin:password@host/db", ":password"),
        ("can't reach 'postgresql://netra:s3cretLO…'", "s3cret"),
        ("postgresql://netra:s3@cretLONG@10.0.0.1/db", "cretLONG"),
        ("{'password': 'letmein99'}", "letmein99"),
        ("connect(password='letmein99')", "letmein99"),
        ("{'db_password': 'letmein99'}", "letmein99"),
        (json.dumps(json.dumps({"password": "letmein99"})), "letmein99"),
        ("PGPASSWD passwd=letmein99", "letmein99"),
        ("SECRET_KEY='letmein99'", "letmein99"),
        ("GET /ws?token=abcdefLETMEIN99&x=1", "LETMEIN99"),
        ('{"refresh_token": "1//0gLETMEIN-abc"}', "LETMEIN"),
        ("Cookie: theme=dark; session=letmein99", "letmein99"),
        ("{'cookie': 'session=letmein99'}", "letmein99"),
        ("set-cookie: session=letmein99; Secure", "letmein99"),
        ("key=AIzaSyD-letmein-klmnopqrstuvwxyz12345", "letmein"),
        ("push with ghp_letmeinhijklmnopqrstuvwxyz0123456789", "letmein"),
        ("openai: sk-proj-letmein99letmein99", "letmein"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSF"),
        ("ya29.letmein99letmein99", "letmein"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEletmein99\nabc\n-----END PRIVATE KEY-----", "letmein"),
    ],
)
def test_what_looks_like_a_credential_goes_too(text: str, gone: str) -> None:
    assert gone not in Redactor([]).text(text)


@pytest.mark.parametrize(
    "text",
    [
        "the bearer of bad news",
        "curl -H 'Authorization: Bearer $TOKEN'",
        "basic checks passed",
        "a token: accepted everywhere",
        "token=expired",
        "the cookie: it names no user",
        "the task-force-of-the-release",
        "set-cookie: a; Secure; HttpOnly",
        "set NETRA_TOKENS__SIGNING_SECRET: it signs",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor([Secret(SECRET)]).text(text) == text


def test_keys_of_objects_are_redacted_and_other_values_keep_their_type() -> None:
    redactor = Redactor([Secret(SECRET)])
    assert redactor.json({SECRET: [1, None, True, SECRET]}) == {"[redacted]": [1, None, True, "[redacted]"]}


def test_a_very_short_secret_does_not_black_out_the_report() -> None:
    assert Redactor([Secret("ab")]).text("about a table") == "about a table"


def test_a_short_secret_goes_as_a_whole() -> None:
    assert Redactor([Secret("hunter2")]).text("it was Hunter2, in hex 68756e74657232") == (
        "it was [redacted], in hex [redacted]"
    )


def test_a_redactor_can_not_be_printed() -> None:
    assert repr(Redactor([Secret(SECRET)])) == "<Redactor>"


HARD: dict[str, Callable[[int], str]] = {
    "one word": lambda size: "a" * size,
    "beginnings of JWTs": lambda size: "eyJeyJeyJ" * (size // 9),
    "one endless JWT": lambda size: "eyJ" + "a" * size,
    "schemes": lambda size: "a" * (size // 2) + "://" * (size // 6),
    "users without hosts": lambda size: "://u:p" * (size // 6),
    "bearers": lambda size: "bearer " * (size // 7),
    "bearer of blanks": lambda size: "bearer" + " " * size,
    "bearer of dots": lambda size: "bearer ." + "." * size,
    "passwords": lambda size: "password=" * (size // 9),
    "password of blanks": lambda size: "password: " + " " * size,
    "tokens": lambda size: "token=a" * (size // 7),
    "cookies": lambda size: "cookie: a" * (size // 9),
    "set cookies": lambda size: "set-cookie: a=" * (size // 14),
    "keys of vendors": lambda size: "sk-aaaa" * (size // 7),
    "private keys": lambda size: "-----BEGIN PRIVATE KEY-----" * (size // 27),
    "users with many @": lambda size: "://u:" + "p@" * (size // 2),
    "nearly the secret": lambda size: (SECRET[:-1] + "!") * (size // len(SECRET)),
    "the secret": lambda size: SECRET * (size // len(SECRET)),
    "its first block": lambda size: SECRET[:6] * (size // 6),
}


@pytest.mark.parametrize("kind", HARD)
def test_the_cost_grows_with_the_text_alone(kind: str) -> None:
    """Eight times the text: eight times the work, where a quadratic rule would need sixty-four times."""
    redactor = Redactor([Secret(SECRET), Secret("a" * 40)])
    small, large = (min(_seconds(redactor, HARD[kind](size)) for _ in range(3)) for size in (1 << 15, 1 << 18))
    assert large < 24 * max(small, 0.002)


def _seconds(redactor: Redactor, text: str) -> float:
    begun = time.process_time()
    redactor.text(text)
    return time.process_time() - begun


def _cpu_seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def test_a_long_secret_is_learned_about_as_fast_as_its_pieces_can_be_cut() -> None:
    """A service account's key has thousands of characters, and a hundred encodings."""
    text = "".join(f"{number:x}'\n&\u00e9<" for number in range(350))
    redactor = Redactor()

    def cut() -> list[set[str]]:
        return [
            {form[at : at + SHORTEST_PIECE] for at in range(len(form) - SHORTEST_PIECE + 1)}
            for form in _with_remainders(text)
        ]

    learning, again = (_cpu_seconds(lambda: redactor.learn(Secret(text))) for _ in range(2))
    assert learning < 5 * min(_cpu_seconds(cut) for _ in range(3))
    assert again < learning / 2
    assert redactor.text(f"a {text} b") == "a [redacted] b"


@pytest.mark.parametrize("write", [html.escape, lambda text: html.escape(text, quote=False)])
def test_quotes_are_found_as_each_writer_of_html_spells_them(write: Callable[[str], str]) -> None:
    """Between any two quotes there is too little of the secret to be recognised by itself."""
    secret = "k\"1'm\"2'n\"3'o\"4'p"
    for spelled in (write(secret), write(secret).replace('"', "&#34;").replace("'", "&#39;")):
        assert Redactor([Secret(secret)]).text(f"before {spelled} after") == "before [redacted] after"


WRITTEN: dict[str, Callable[[str], str]] = {
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with umlauts": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "shell": lambda text: shlex.quote(text)[1:-1],
    "percent": lambda text: quote(text, safe=""),
    "form": quote_plus,
}


@pytest.mark.parametrize("writer", WRITTEN)
@pytest.mark.parametrize("secret", ["ö-9f2'c71\"b04é", "\\k1m2n3o4 p5\n", "'quoted pass-phrase'"])
def test_nothing_of_a_secret_is_left_at_either_end(writer: str, secret: str) -> None:
    redactor = Redactor([Secret(secret)])
    assert redactor.text(f"before <{WRITTEN[writer](secret)}> after") == "before <[redacted]> after"


def test_a_public_word_stays_although_a_secret_has_a_piece_of_it() -> None:
    redactor = Redactor([Secret("service-key-of-the-backend-4711-xyzzy")])
    assert redactor.text("auth.service-key[none]") != "auth.service-key[none]", "a piece of the secret"
    redactor.spare(["auth.service-key[none]", "short"])
    assert redactor.text("FAILED auth.service-key[none]") == "FAILED auth.service-key[none]"
    shown = redactor.text("auth.service-key[none] sent service-key-of-the-backend-4711-xyzzy, service-key-of-th")
    assert shown == "auth.service-key[none] sent [redacted], [redacted]"


def test_a_secret_that_is_a_public_word_is_no_less_a_secret() -> None:
    redactor = Redactor([Secret("netra-backend-staging")])
    redactor.spare(["netra-backend-staging-00094-twn"])
    assert redactor.text("netra-backend-staging-00094-twn") == "[redacted]-00094-twn"
