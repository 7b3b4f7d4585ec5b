"""What a request may have besides its method and path."""

from collections.abc import Mapping
from typing import TypedDict

from probes.secret import Secret

Value = str | Secret
Headers = (
    Mapping[str, Value] | Mapping[str, str] | list[tuple[str, Value]] | list[tuple[str, str]] | list[tuple[str, Secret]]
)


class RequestOptions(TypedDict, total=False):
    """Optional parts of a request. Secrets are unwrapped only for the socket."""

    headers: Headers | None  # further ones; a list of pairs may name one header twice
    params: Mapping[str, object] | None  # the query
    json: object  # a JSON body; None: no body
    content: bytes | None  # a raw body
    token: Secret | None  # sent as `Authorization: Bearer`
    deadline_s: float | None  # for the whole request; None: the client's own
