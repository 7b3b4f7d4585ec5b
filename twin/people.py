"""People with browsers, who read their lists: traffic that no test makes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from twin.auth.service import issue

BROWSER = "Mozilla/5.0 (X11; Linux x86_64)"
PAUSE_S = 0.1  # of each of them, after an answer
PATIENCE_S = 30.0


@asynccontextmanager
async def reading(url: str, secret: str, count: int) -> AsyncIterator[None]:
    """This many people ask the backend at this URL for their lists, until the context ends."""
    async with httpx.AsyncClient(
        base_url=url, headers={"User-Agent": BROWSER}, timeout=PATIENCE_S, trust_env=False
    ) as client:
        people = [asyncio.create_task(_read(client, secret)) for _ in range(count)]
        try:
            yield
        finally:
            for one in people:
                one.cancel()
            await asyncio.gather(*people, return_exceptions=True)


async def _read(client: httpx.AsyncClient, secret: str) -> None:
    while True:
        with contextlib.suppress(httpx.TransportError):  # who gets no answer asks again
            await client.get("/api/threads", headers={"Authorization": f"Bearer {issue(secret)}"})
        await asyncio.sleep(PAUSE_S)
