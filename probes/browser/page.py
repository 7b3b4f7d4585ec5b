"""A page of the frontend's origin in a real browser: it reads the list, opens a session, and reads one answer.

The page itself is ours: its own URL is answered here, and only the service's hosts can be resolved. What the
page requests of the service goes over the browser's own network, preflights included: nothing is intercepted.
"""

import asyncio
import base64
import os
import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from probes.foreign.excerpt import excerpt
from probes.secret import Secret

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HTML = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
PATH = "/netra-verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What the page does: what it contacts, with which token, in which vocabulary."""

    origin: str
    list_url: str
    socket_url: str
    token: Secret
    protocols: tuple[Secret | str, ...]
    credentials: bool
    welcome: tuple[str, str]  # its type and its event
    ping: str
    pong: str
    deadline_s: float

    def as_json(self) -> dict[str, Any]:
        """The argument of the page's script."""
        return {
            "list": self.list_url,
            "socket": self.socket_url,
            "token": self.token.reveal(),
            "protocols": [offer.reveal() if isinstance(offer, Secret) else offer for offer in self.protocols],
            "credentials": "include" if self.credentials else "omit",
            "welcome": self.welcome[0],
            "event": self.welcome[1],
            "ping": self.ping,
            "pong": self.pong,
            "deadline": self.deadline_s * 1e3,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the page saw. `trouble` is by step: `list`, `session`, `answer`; a step without trouble is not in it."""

    origin: str
    status: int
    listed: int
    protocol: str
    trouble: dict[str, str]
    console: tuple[str, ...]
    browser: str
    screenshot: bytes = field(repr=False)


def find_browser() -> str:
    """The path of an installed Chromium; empty without one, or without playwright to drive it."""
    found = next((path for name in NAMES if (path := shutil.which(name))), "")
    return found if find_spec("playwright") else ""


async def visit(what: Visit, executable: str) -> Seen:
    """Open the page and let it do its work. Raises playwright's own errors if the browser can't be run."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - an optional part

    async with async_playwright() as playwright:
        return await _visit(playwright, what, executable)


async def _visit(playwright: "Playwright", what: Visit, executable: str) -> Seen:
    hosts = {urlsplit(url).hostname or "" for url in (what.list_url, what.socket_url)}
    rules = ", ".join(["MAP * ~NOTFOUND", *(f"EXCLUDE {host}" for host in sorted(hosts))])
    # A page of a public origin that asks a loopback address would need a click; a deployed service is not on one.
    flags = [f"--host-resolver-rules={rules}", "--disable-features=LocalNetworkAccessChecks"]
    flags += ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = await playwright.chromium.launch(executable_path=executable, headless=True, args=flags)
    try:
        page = await browser.new_page()
        console: list[str] = []
        page.on("console", lambda message: console.append(excerpt(message.text, 300)))
        await _serve_page(page, what.origin)
        await page.goto(f"{what.origin}{PATH}")
        said: dict[str, Any] = await page.evaluate("what => visit(what)", what.as_json())
        screenshot = await page.screenshot()
        return Seen(**said, console=tuple(console), browser=browser.version, screenshot=screenshot)
    finally:
        await browser.close()


async def _serve_page(page: "Page", origin: str) -> None:
    """Answer the origin's requests ourselves. Playwright's own routing would answer everyone's preflights as well."""
    session: CDPSession = await page.context.new_cdp_session(page)
    answering: set[asyncio.Task[Any]] = set()

    def answer(paused: dict[str, Any]) -> None:
        body = base64.b64encode(HTML.encode()).decode()
        html = [{"name": "Content-Type", "value": "text/html; charset=utf-8"}]
        fulfilled = {"requestId": paused["requestId"], "responseCode": 200, "responseHeaders": html, "body": body}
        task = asyncio.ensure_future(session.send("Fetch.fulfillRequest", fulfilled))
        answering.add(task)
        task.add_done_callback(answering.discard)

    session.on("Fetch.requestPaused", answer)
    await session.send("Fetch.enable", {"patterns": [{"urlPattern": f"{origin}/*"}]})
