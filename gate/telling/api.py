"""A forge's JSON API, asked a few times within one deadline. Every failure is one sentence, without a credential."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import httpx
import msgspec

from gate.strict_json import JSON

ONE_S = 5.0  # for one request; all together have the deadline
MOST_PAGES = 10
PER_PAGE = 100


class NotTold(Exception):
    """Somebody could not be told; the text is one sentence."""


@dataclass(slots=True)
class Api:
    """Asks below one address, by one credential."""

    name: str  # "GitHub", for people
    _client: httpx.Client
    _until: float

    @classmethod
    def at(cls, name: str, url: str, headers: Mapping[str, str], within_s: float) -> Self:
        """An API that is asked for so long at most."""
        return cls(
            name, httpx.Client(base_url=url.rstrip("/") + "/", headers=dict(headers)), time.monotonic() + within_s
        )

    def ask(self, method: str, path: str, body: JSON = None, **query: str | int) -> JSON:
        """The answer's JSON. Raises NotTold."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise NotTold(f"{self.name} was not told in time")
        try:
            answer = self._client.request(method, path.lstrip("/"), json=body, params=query, timeout=min(ONE_S, left))
            answer.raise_for_status()
            return msgspec.json.decode(answer.content) if answer.content else None
        except httpx.HTTPStatusError as error:
            raise NotTold(
                f"{self.name} was not told: {method} {path} was answered {error.response.status_code}; "
                "has the token the right to do that?"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError) as error:
            raise NotTold(f"{self.name} was not told: {method} {path}: {type(error).__name__}") from error

    def find_marked(self, path: str, marker: str) -> JSON:
        """The first remark below a path whose body holds a marker; None without one. Raises NotTold."""
        for page in range(1, MOST_PAGES + 1):
            remarks = self.ask("GET", path, per_page=PER_PAGE, page=page)
            if not isinstance(remarks, list):
                raise NotTold(f"{self.name} was not told: GET {path} was answered with no list")
            found = next((remark for remark in remarks if marker in str(remark.get("body") or "")), None)
            if found is not None or len(remarks) < PER_PAGE:
                return found
        return None
