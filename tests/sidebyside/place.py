"""What a contender is given: addresses, and a valid token, as an engineer after a deploy has them."""

from dataclasses import dataclass
from typing import Any

import httpx

NORMAL_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the services are, and what opens them."""

    backend: str
    auth: str
    logging: str
    project: str
    token: str
    service_key: str

    @property
    def socket(self) -> str:
        """The WebSocket's address."""
        return f"{self.backend.replace('http', 'ws', 1)}/ws"

    @property
    def bearer(self) -> dict[str, str]:
        """The header in which the valid token is sent."""
        return {"Authorization": f"Bearer {self.token}"}


def client(**how: Any) -> httpx.AsyncClient:  # noqa: ANN401 - httpx's own keywords
    """A plain client, as scripts have it."""
    return httpx.AsyncClient(timeout=NORMAL_S, trust_env=False, **how)


async def read_place(addresses: dict[str, Any], project: str) -> Place:
    """The place of a twin, with a token of its login that is as fresh as now. Raises httpx.HTTPError."""
    auth = addresses["auth"]["url"]
    async with client() as asking:
        answer = await asking.post(f"{auth}/login", headers={"X-Login-Key": addresses["tokens"]["login_key"]}, json={})
        token = answer.raise_for_status().json()["access_token"]
    return Place(
        backend=addresses["backend"]["url"],
        auth=auth,
        logging=addresses["platform"]["logging_url"],
        project=project,
        token=token,
        service_key=addresses["tokens"]["service_key"],
    )
