"""Google's own credentials against a token server on loopback: a key, Workload Identity, and what can't be had."""

import json
from pathlib import Path
from typing import Any

import google.auth
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.oauth2 import service_account

from probes.errors import SourceRefused
from probes.google.access_tokens import Given, no_token
from probes.google.adc import Adc
from probes.secret import Secret, reveal
from tests.probes.answering import answering

SCOPES = ["https://www.googleapis.com/auth/cloud-platform.read-only"]


def key_for(token_url: str) -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "type": "service_account",
        "client_email": "verify@netra-staging.iam.gserviceaccount.com",
        "private_key": pem.decode(),
        "private_key_id": "1",
        "token_uri": token_url,
        "project_id": "netra-staging",
    }


def token(name: str) -> tuple[int, dict[str, Any]]:
    return 200, {"access_token": name, "expires_in": 3600, "token_type": "Bearer"}


async def test_a_key_is_exchanged_once_and_again_only_when_refused() -> None:
    with answering(token("first"), token("second")) as script:
        learnt: list[Secret] = []
        adc = Adc(
            service_account.Credentials.from_service_account_info(key_for(script.url), scopes=SCOPES),
            learn=learnt.append,
        )
        tokens = [await adc(), await adc(), await adc(renew=True), await adc()]
        assert reveal(tokens) == ["first", "first", "second", "second"]
        assert reveal(learnt) == ["first", "second"]
    assert len(script.asked) == 2


async def test_workload_identity_is_found_and_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject, configuration = tmp_path / "subject", tmp_path / "federation.json"
    subject.write_text("a.b.c")
    issued = {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    with answering((200, token("federated")[1] | issued)) as script:
        told = {
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/x",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": script.url,
            "credential_source": {"file": str(subject)},
        }
        configuration.write_text(json.dumps(told))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(configuration))
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "netra-staging")
        credentials, _ = google.auth.default(scopes=SCOPES)
        assert reveal(await Adc(credentials, learn=repr)()) == "federated"
    assert b"subject_token=a.b.c" in script.asked[0].body


async def test_a_refused_key_is_a_refusal() -> None:
    with answering((400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})) as script:
        learnt: list[Secret] = []
        adc = Adc(
            service_account.Credentials.from_service_account_info(key_for(script.url), scopes=SCOPES),
            learn=learnt.append,
        )
        with pytest.raises(SourceRefused, match=r"can't be refreshed.*invalid_grant"):
            await adc()


async def test_a_given_token_has_no_other() -> None:
    given = Given(Secret("t"))
    assert reveal(await given()) == "t"
    with pytest.raises(SourceRefused, match="an hour at most"):
        await given(renew=True)


async def test_the_twin_needs_none() -> None:
    assert reveal([await no_token(), await no_token(renew=True)]) == ["", ""]
