"""Identity tokens for a service that Google IAM guards: by a key, from the metadata server, and where neither is."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from google.auth.compute_engine import _metadata

from probes.errors import SourceRefused
from probes.google.adc import IdentityToken, google_transport
from probes.http.client import HttpClient
from probes.http.network_path import find_path
from probes.identity import RunIdentity
from probes.secret import Secret
from tests.probes.answering import answering
from tests.probes.google.test_access_tokens import key_for
from tests.serving import Reply, Server, serving_beside

AUDIENCE = "https://backend.invalid"
LEARNT: list[Secret] = []  # by all of them
HOUR_S = 3600
FLAVOUR = {"Metadata-Flavor": "Google", "Connection": "close"}


def identity_token(name: str, life_s: float = HOUR_S, audience: str = AUDIENCE) -> str:
    claims = {"aud": audience, "sub": name, "iat": int(time.time()), "exp": int(time.time() + life_s)}
    return jwt.encode(claims, "a key that only the issuer has, of 32 bytes", algorithm="HS256")


@contextmanager
def metadata_server(monkeypatch: pytest.MonkeyPatch, *tokens: str) -> Iterator[Server]:
    """A metadata server as Cloud Run has it, which hands out these tokens one after another."""
    left = list(tokens)

    def decide(head: bytes) -> Reply:
        if b"metadata-flavor: google" not in head.lower():
            return Reply(
                status=403,
                body=b"Missing Metadata-Flavor:Google header.",
                kind="text/html",
                headers=FLAVOUR,
                close=True,
            )
        if b"/identity?" not in head:
            return about_the_account(head)
        token = left.pop(0) if len(left) > 1 else left[0]
        return Reply(body=token.encode(), kind="text/html", headers=FLAVOUR, close=True)

    with serving_beside(decide) as server:
        use_metadata_at(server.url, monkeypatch)
        yield server


def about_the_account(head: bytes) -> Reply:
    """What a metadata server says besides tokens: that it is there, and whose tokens they are."""
    if b"/service-accounts/default/?" in head:
        return Reply(body=b'{"email": "verify@netra-staging.iam.gserviceaccount.com"}', headers=FLAVOUR, close=True)
    return Reply(body=b"computeMetadata/", kind="application/text", headers=FLAVOUR, close=True)


def use_metadata_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have google-auth find its metadata server there: it reads one of its two variables once, on import."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("GCE_METADATA_IP", urlsplit(url).netloc)
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", urlsplit(url).netloc)


def asked_for(server: Server) -> list[str]:
    """The audiences that identity tokens were asked for."""
    lines = [head.split(b" ", 2)[1].decode() for head in server.heard if b"/identity?" in head]
    return [parse_qs(urlsplit(line).query)["audience"][0] for line in lines]


async def test_the_metadata_server_vouches_for_us_to_what_stands_in_front(monkeypatch: pytest.MonkeyPatch) -> None:
    token = identity_token("metadata")

    def iam(head: bytes) -> Reply:
        let_in = f"x-serverless-authorization: bearer {token}".lower().encode() in head.lower()
        return Reply(status=200 if let_in else 403)

    with metadata_server(monkeypatch, token) as metadata, serving_beside(iam) as front:
        path = find_path(front.url, identity=IdentityToken(AUDIENCE, google_transport(""), learn=LEARNT.append))
        async with HttpClient(front.url, RunIdentity("a-run"), deadline_s=20.0, path=path) as client:
            assert [(await client.send("GET", "/")).status for _ in range(3)] == [200, 200, 200]
        async with HttpClient(front.url, RunIdentity("a-run"), deadline_s=20.0) as stranger:
            assert (await stranger.send("GET", "/")).status == 403
    assert set(asked_for(metadata)) == {AUDIENCE}


async def test_a_token_that_has_ended_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    with metadata_server(monkeypatch, identity_token("ended", life_s=-1), identity_token("good")):
        vouch = IdentityToken(AUDIENCE, google_transport(""), learn=LEARNT.append)
        names = [jwt.decode((await vouch()).reveal(), options={"verify_signature": False})["sub"] for _ in range(3)]
    assert names[-2:] == ["good", "good"]
    assert jwt.decode(LEARNT[-1].reveal(), options={"verify_signature": False})["sub"] == "good"


async def test_a_key_is_exchanged_for_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with answering((200, {"id_token": identity_token("key")})) as script:
        file = tmp_path / "key.json"
        file.write_text(json.dumps(key_for(script.url)))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        vouch = IdentityToken(AUDIENCE, google_transport(""), learn=LEARNT.append)
        tokens = [(await vouch()).reveal() for _ in range(2)]
    assert jwt.decode(tokens[0], options={"verify_signature": False})["sub"] == "key"
    assert tokens[0] == tokens[1]
    assertion = parse_qs(script.asked[0].body.decode())["assertion"][0]
    assert jwt.decode(assertion, options={"verify_signature": False})["target_audience"] == AUDIENCE
    assert len(script.asked) == 1


ODD = {
    "a refusal": Reply(status=403, body=b"no", headers=FLAVOUR, close=True),
    "no token": Reply(status=200, body=b"<html>", headers=FLAVOUR, close=True),
    "bytes": Reply(status=200, body=b"\xff\xfe.\x00.\x01", headers=FLAVOUR, close=True),
    "a list in a token's form": Reply(status=200, body=b"e30.W10.e30", headers=FLAVOUR, close=True),
    "a token without an end": Reply(
        status=200, body=jwt.encode({"sub": "x"}, "k" * 32).encode(), headers=FLAVOUR, close=True
    ),
    "an end that is not a time": Reply(status=200, body=b"e30.eyJleHAiOiAieCJ9.e30", headers=FLAVOUR, close=True),
}


@pytest.mark.parametrize("what", ODD)
async def test_whatever_is_no_token_is_a_refusal_that_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def decide(head: bytes) -> Reply:
        return ODD[what] if b"/identity?" in head else about_the_account(head)

    with serving_beside(decide) as server:
        use_metadata_at(server.url, monkeypatch)
        with pytest.raises(SourceRefused, match='identity = "google"'):
            await IdentityToken(AUDIENCE, google_transport(""), learn=LEARNT.append)()


async def test_a_metadata_server_of_another_kind_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving_beside(lambda _: Reply(body=b"{}", headers=FLAVOUR, close=True)) as server:
        use_metadata_at(server.url, monkeypatch)
        with pytest.raises(SourceRefused, match='identity = "google"'):
            await IdentityToken(AUDIENCE, google_transport(""), learn=LEARNT.append)()


async def test_a_machine_with_neither_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    use_metadata_at("http://127.0.0.1:9", monkeypatch)
    with pytest.raises(SourceRefused, match='identity = "given"'):
        await IdentityToken(AUDIENCE, google_transport(""), learn=LEARNT.append)()
