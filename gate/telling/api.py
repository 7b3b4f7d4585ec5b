"""A forge's JSON API with one deadline for a few requests. Every failure is one sentence without a credential."""

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


class NotNotified(Exception):
    """A notification failed; the message is one sentence."""


@dataclass(slots=True)
class Api:
    """Sends requests below one base URL, with one credential."""

    name: str  # "GitHub", for people
    _client: httpx.Client
    _until: float

    @classmethod
    def at(cls, name: str, url: str, headers: Mapping[str, str], within_s: float) -> Self:
        """An API client with a total time limit."""
        return cls(
            name, httpx.Client(base_url=url.rstrip("/") + "/", headers=dict(headers)), time.monotonic() + within_s
        )

    def ask(self, method: str, path: str, body: JSON = None, **query: str | int) -> JSON:
        """The answer's JSON. Raises NotNotified."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise NotNotified(f"{self.name} was not notified in time")
        try:
            answer = self._client.request(method, path.lstrip("/"), json=body, params=query, timeout=min(ONE_S, left))
            answer.raise_for_status()
            return msgspec.json.decode(answer.content) if answer.content else None
        except httpx.HTTPStatusError as error:
            raise NotNotified(
                f"{self.name} was not notified: {method} {path} was answered {error.response.status_code}; "
                "does the token have the permission?"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError) as error:
            raise NotNotified(f"{self.name} was not notified: {method} {path}: {type(error).__name__}") from error

    def find_marked(self, path: str, marker: str) -> JSON:
        """The first comment below a path whose body contains a marker; None without one. Raises NotNotified."""
        for page in range(1, MOST_PAGES + 1):
            remarks = self.ask("GET", path, per_page=PER_PAGE, page=page)
            if not isinstance(remarks, list):
                raise NotNotified(f"{self.name} was not notified: GET {path} did not return a list")
            found = next((remark for remark in remarks if marker in str(remark.get("body") or "")), None)
            if found is not None or len(remarks) < PER_PAGE:
                return found
        return None
