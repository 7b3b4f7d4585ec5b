"""Tokens that google-auth finds: access tokens for Google's APIs, identity tokens for what Google IAM guards.

Separate from `probes.google.access_tokens`, because importing google-auth takes a tenth of a run's start: import this
file only where it is needed.
"""

import asyncio
from typing import Any

import google.auth
import google.auth.credentials
import google.auth.exceptions
import google.auth.transport.requests
import google.oauth2.id_token
import requests
import requests.adapters

from probes.errors import UNREADABLE, SourceRefused
from probes.http.network_path import trust
from probes.secret import Learn, Secret, without_frames

# What google-auth raises if there is no token; the rest is what it raises on answers that it does not expect.
REFUSALS = (google.auth.exceptions.GoogleAuthError, *UNREADABLE)


class _Trusting(requests.adapters.HTTPAdapter):
    """Verifies by the context that all our clients share. Proxies are read from the environment by requests itself."""

    def __init__(self, ca_file: str) -> None:
        self._ca_file = ca_file
        super().__init__()

    def init_poolmanager(self, *places: Any, **how: Any) -> None:  # noqa: ANN401 - the base class' own signature
        """Make connections with our context."""
        super().init_poolmanager(*places, **how, ssl_context=trust(self._ca_file))

    def proxy_manager_for(self, proxy: str, **how: Any) -> Any:  # noqa: ANN401 - as above
        """Make connections through a proxy with our context."""
        return super().proxy_manager_for(proxy, **how, ssl_context=trust(self._ca_file))


def google_transport(ca_file: str) -> google.auth.transport.requests.Request:
    """How google-auth reaches Google: by the same proxies and certificate authorities as every other client."""
    session = requests.Session()
    session.mount("https://", _Trusting(ca_file))
    return google.auth.transport.requests.Request(session)


def _said(error: BaseException) -> str:
    """An error of google-auth's in one line; an unexpected one with its type as well."""
    known = isinstance(error, google.auth.exceptions.GoogleAuthError)
    return str(error) if known else f"an answer of another kind, {type(error).__name__}: {error}"


class _Hiding:
    """Makes every token known to the redactor before it is used: once each, since one serves many calls."""

    def __init__(self, learn: Learn) -> None:
        self._learn, self._last = learn, Secret()

    def __call__(self, token: str) -> Secret:
        secret = Secret(token)
        if secret != self._last:
            self._learn(secret)
            self._last = secret
        return secret


class Adc:
    """Whatever google-auth found: a key, gcloud's own, Workload Identity, the metadata server."""

    def __init__(
        self,
        credentials: google.auth.credentials.Credentials,
        transport: google.auth.transport.requests.Request | None = None,
        *,
        learn: Learn,
    ) -> None:
        self._credentials = credentials
        self._hide = _Hiding(learn)
        self._transport = transport or google_transport("")
        self._turn = asyncio.Lock()

    async def __call__(self, *, renew: bool = False) -> Secret:
        """A token that is valid now, refreshed if it is not, or if the last one was refused."""
        async with self._turn:
            if renew or not self._credentials.valid:
                try:
                    await asyncio.to_thread(self._credentials.refresh, self._transport)  # blocking in google-auth
                except REFUSALS as error:
                    raise SourceRefused(
                        "Google credentials", f"can't be refreshed: {_said(error)}"
                    ) from without_frames(error)
            return self._hide(str(self._credentials.token))


def find_adc(scope: str, ca_file: str, learn: Learn) -> Adc:
    """Application default credentials, as google-auth finds them. Raises SourceRefused if there are none."""
    try:
        credentials, _ = google.auth.default(scopes=[scope])
    except google.auth.exceptions.DefaultCredentialsError as error:
        raise SourceRefused("no Google credentials", str(error)) from error
    return Adc(credentials, google_transport(ca_file), learn=learn)


class IdentityToken:
    """An OIDC identity token for a service that Google IAM guards, renewed when it expires."""

    def __init__(self, audience: str, transport: google.auth.transport.requests.Request, *, learn: Learn) -> None:
        self._hide = _Hiding(learn)
        self._audience = audience
        self._transport = transport
        self._credentials: google.auth.credentials.Credentials | None = None
        self._turn = asyncio.Lock()

    async def __call__(self) -> Secret:
        """A token that is valid now. Raises SourceRefused if there is none."""
        async with self._turn:
            if self._credentials is None or not self._credentials.valid:
                try:
                    self._credentials = await asyncio.to_thread(self._fetch)  # blocking in google-auth
                except REFUSALS as error:
                    raise SourceRefused(
                        f"identity token for {self._audience}",
                        f'not available ({_said(error)}): identity = "google" requires a service account\'s '
                        'credentials, or the metadata server; else supply a token (identity = "given")',
                    ) from without_frames(error)
            return self._hide(str(self._credentials.token))

    def _fetch(self) -> google.auth.credentials.Credentials:
        credentials: google.auth.credentials.Credentials = google.oauth2.id_token.fetch_id_token_credentials(
            self._audience, request=self._transport
        )
        credentials.refresh(self._transport)
        return credentials
