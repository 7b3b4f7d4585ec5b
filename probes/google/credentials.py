"""Access tokens for Google's APIs: one that was given, or none; what google-auth finds is in `probes.google.adc`."""

from probes.errors import SourceRefused
from probes.secret import Secret

SQL_LOGIN = "https://www.googleapis.com/auth/sqlservice.login"  # IAM database authentication takes no other


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
