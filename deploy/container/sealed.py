"""Secrets that the environment only refers to: `NETRA_X__Y=secret:projects/P/secrets/S/versions/latest`.

Cloud Deploy's verify containers get only plain variables and no secrets, so the container reads them itself from
Secret Manager, as the account it runs as. In a GitHub step each value is masked before anything else can print it.
"""

import base64
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import google.auth
import google.auth.exceptions
import google.auth.transport.requests
import requests

PREFIX = "secret:"
RESOURCE = re.compile(r"projects/[^/\s]+/secrets/[^/\s]+/versions/[^/\s]+")
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
URL = "https://secretmanager.googleapis.com"
DEADLINE_S = 20.0


class SealedError(Exception):
    """A secret can't be read; the text has the variable and what to do, but no value."""


def unseal(environ: Mapping[str, str]) -> dict[str, str]:
    """The values of the variables that refer to a secret; contacts nothing if there are none.

    Raises:
        SealedError: A malformed reference, no credentials, or Secret Manager refuses.
    """
    named = {name: value.removeprefix(PREFIX) for name, value in environ.items() if value.startswith(PREFIX)}
    for name, resource in named.items():
        if not RESOURCE.fullmatch(resource):
            raise SealedError(f"{name} must be {PREFIX}projects/P/secrets/S/versions/V, got {PREFIX + resource!r}.")
    if not named:
        return {}
    try:
        credentials: Any = google.auth.default(scopes=SCOPES)[0]  # refresh() is untyped in google.auth
        credentials.refresh(google.auth.transport.requests.Request())
        return {name: _read(str(credentials.token), name, resource) for name, resource in named.items()}
    except google.auth.exceptions.GoogleAuthError as error:
        raise SealedError(f"{', '.join(named)}: no credentials for Secret Manager ({error}).") from error
    except requests.RequestException as error:
        raise SealedError(f"{', '.join(named)}: Secret Manager can't be reached ({type(error).__name__}).") from error


def masks(values: Mapping[str, str]) -> Iterator[str]:
    """GitHub's commands that mask these values, line by line, and a URL's password in a job's log."""
    for value in values.values():
        password = urlsplit(value).password if "://" in value else None
        for line in {*value.splitlines(), password or ""} - {""}:
            yield f"::add-mask::{line.replace('%', '%25')}"


def _read(token: str, name: str, resource: str) -> str:
    base = os.environ.get("SECRET_MANAGER_URL") or URL
    bearer = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{base}/v1/{resource}:access", headers=bearer, timeout=DEADLINE_S)
    if not answer.ok:
        raise SealedError(
            f"{name}: Secret Manager answered {answer.status_code} for {resource}. The account that runs this needs "
            "roles/secretmanager.secretAccessor on it, and the secret needs a version."
        )
    return base64.b64decode(answer.json()["payload"]["data"]).decode().rstrip("\n")
