"""Access tokens for Google's APIs: application default credentials, one that was given, or none."""

import asyncio

import google.auth.credentials
import google.auth.exceptions
import google.auth.transport.requests

from probes.errors import SourceRefused
from probes.secret import Secret, without_frames


async def nobody(*, anew: bool = False) -> Secret:
    """No token, where none is needed (the twin on loopback)."""
    del anew
    return Secret()


class Given:
    """An access token from the environment: when it has ended, there is no other."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    async def __call__(self, *, anew: bool = False) -> Secret:
        """The token."""
        if anew:
            raise SourceRefused(
                "the given access token", "was refused (401), or ended in mid-run: such tokens live for an hour at most"
            )
        return self._token


class Adc:
    """Whatever google-auth found: a key, gcloud's own, Workload Identity, the metadata server."""

    def __init__(self, credentials: google.auth.credentials.Credentials) -> None:
        self._credentials = credentials
        self._turn = asyncio.Lock()

    async def __call__(self, *, anew: bool = False) -> Secret:
        """A token that is valid now, refreshed where it is not, or where the last one was refused."""
        async with self._turn:
            if anew or not self._credentials.valid:
                request = google.auth.transport.requests.Request()
                try:
                    await asyncio.to_thread(self._credentials.refresh, request)  # blocking in google-auth
                except google.auth.exceptions.GoogleAuthError as error:
                    raise SourceRefused("Google credentials", f"can't be refreshed: {error}") from without_frames(error)
            return Secret(str(self._credentials.token))
