"""Headless Chromium for self-tests: what a page shows, and what it asks of others."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server, socket
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--virtual-time-budget=8000",
    "--proxy-bypass-list=<-loopback>",
)  # fmt: skip
# What Chromium asks on its own behalf, whatever page it shows. Nothing gets further than our recording proxy.
ITS_OWN = frozenset({"clients2.google.com", "update.googleapis.com", "accounts.google.com"})
LONG_S = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A page in the browser: its document after scripts ran, and the hosts that it asked for anything."""

    document: str
    asked: tuple[str, ...]


def look(page: Path, *flags: str) -> Seen:
    """Open a file in Chromium, behind a proxy that refuses and records. Raises AssertionError without a browser."""
    with recording() as (proxy, asked), TemporaryDirectory(prefix="netra-browser-") as profile:
        words = [*FLAGS, f"--user-data-dir={profile}", f"--proxy-server={proxy}", *flags, "--dump-dom", page.as_uri()]
        done = subprocess.run([browser(), *words], capture_output=True, timeout=LONG_S, check=True)
    return Seen(done.stdout.decode(errors="replace"), tuple(host for host in asked if host not in ITS_OWN))


def browser() -> str:
    """The browser's path."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    assert found, f"these self-tests look at pages in Chromium: install one of {', '.join(NAMES)} (Debian: chromium)"
    return found


@contextmanager
def recording() -> Iterator[tuple[str, list[str]]]:
    """A proxy on loopback that refuses everything and keeps the hosts asked for."""
    asked: list[str] = []
    with create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_refuse, args=(server, asked), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(2)
    thread.join(5)


def _refuse(server: socket, asked: list[str]) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return  # shut down: the page has been looked at
        with client:
            words = client.recv(4096).split(b"\r\n", 1)[0].decode(errors="replace").split()
            if len(words) > 1:
                asked.append(urlsplit(words[1] if "//" in words[1] else f"//{words[1]}").hostname or words[1])
            client.sendall(b"HTTP/1.1 502 Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
