"""Access tokens for Google's APIs: a supplied one, or none; what google-auth finds is in `probes.google.adc`."""

from typing import TYPE_CHECKING

from probes.errors import SourceRefused
from probes.secret import Learn, Secret

if TYPE_CHECKING:
    from probes.google.adc import Adc

SQL_LOGIN = "https://www.googleapis.com/auth/sqlservice.login"  # IAM database authentication accepts no other


def find_sql_login(ca_file: str, learn: Learn) -> "Adc":
    """Access tokens that replace the database password (IAM authentication). Raises SourceRefused."""
    from probes.google.adc import find_adc  # noqa: PLC0415 - google-auth is slow to import, and few runs need it

    return find_adc(SQL_LOGIN, ca_file, learn)


async def no_token(*, renew: bool = False) -> Secret:
    """Return no token, for a target that needs none (the twin on loopback)."""
    del renew
    return Secret()


class Given:
    """An access token from the environment: once it has expired, there is no other."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    async def __call__(self, *, renew: bool = False) -> Secret:
        """The token."""
        if renew:
            raise SourceRefused(
                "the given access token", "was refused (401), or expired in mid-run: such tokens last an hour at most"
            )
        return self._token
