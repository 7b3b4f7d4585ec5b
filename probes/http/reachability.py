"""Whether a door can be reached from here at all, step by step: name, TCP, TLS, first byte. It is not judged."""

import asyncio
import contextlib
import secrets
import time
from base64 import b64encode
from dataclasses import dataclass
from enum import StrEnum

import h11

from probes.errors import BadAnswer, ClientUnfit, PathBlocked, ProbeError, SourceRefused, Unreachable
from probes.foreign.excerpt import excerpt
from probes.foreign.limits import PARTS
from probes.http.connecting import Streams, dial, resolve, secure
from probes.http.network_path import NetworkPath
from probes.identity import RunIdentity
from probes.secret import reveal

HEAD_BYTES, PAGE_BYTES = 32 * 1024, 4 * 1024  # of a first answer: enough to see whose it is
PAGE_S = 1.0  # for the body behind a head that has come
SWITCHED = 101
REFUSALS = frozenset({401, 403})
# https://cloud.google.com/run/docs/troubleshooting#unauthorized-client: the page before the service, not the service's.
IAM_PAGE = b"does not have permission to get URL"
# Headers and names by which proxies and captive portals mark their own answers.
PROXY_HEADERS = frozenset({b"proxy-authenticate", b"x-squid-error", b"x-bluecoat-error", b"x-zscaler-error"})
PROXY_SERVERS = (b"squid", b"zscaler", b"bluecoat", b"mcafee web gateway", b"forcepoint")
PROXY_STATUSES = frozenset({407, 511})  # "proxy authentication", "network authentication": never a service's own


Head = h11.Response | h11.InformationalResponse


class Step(StrEnum):
    """How far we came."""

    IDENTITY = "identity token"  # if something in front requires one
    NAME = "name"
    TCP = "TCP"
    TLS = "TLS"
    FIRST_BYTE = "first byte"
    REACHED = "reached"


class Whose(StrEnum):
    """Who is responsible if a door was not reached."""

    NO_ONES = ""
    OURS = "ours"  # proxy, CA, identity: there is something to set here
    UNKNOWN = "unknown"  # down, or out of reach from here: other doors show which
    THEIRS = "theirs"  # the door's own fault, whatever is in between: an invalid certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far we came at a door: the step that failed (or REACHED), who is responsible, and what was seen."""

    door: str
    url: str
    step: Step
    whose: Whose
    detail: str
    elapsed_s: float

    @property
    def said(self) -> str:
        """In one line."""
        return f"{self.door} {self.url}: {self.step}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """One door to knock at. `key` is the section of the target's TOML that describes it."""

    door: str
    path: NetworkPath
    target: str  # of the request, such as /health
    key: str
    upgrade: bool = False  # ask for a WebSocket


async def knock(at: Knock, identity: RunIdentity, *, deadline_s: float) -> Reached:
    """Go to a door and wait for the first byte of any answer, all within the deadline. Raises no ProbeError."""
    begun = time.perf_counter()
    steps = [Step.IDENTITY if at.path.identity else Step.NAME]
    whose, detail = Whose.UNKNOWN, ""
    try:
        async with asyncio.timeout(deadline_s):
            response, page = await _go(at, identity, steps)
        whose, detail = _whose_page(at, response, page)
        steps.append(Step.FIRST_BYTE if whose else Step.REACHED)
    except TimeoutError:
        whose = Whose.OURS if steps[-1] is Step.IDENTITY else Whose.UNKNOWN
        detail = f"nothing within {deadline_s:g} s"
    except (PathBlocked, ClientUnfit, SourceRefused) as error:
        whose, detail = Whose.OURS, error.detail
    except Unreachable as error:
        whose = Whose.THEIRS if "the certificate is not good" in error.detail else Whose.UNKNOWN
        detail = error.detail
    except ProbeError as error:
        steps.append(Step.REACHED)  # it answers; the checks judge what
        whose, detail = Whose.NO_ONES, error.detail
    return Reached(
        door=at.door, url=at.path.url, step=steps[-1], whose=whose, detail=detail, elapsed_s=time.perf_counter() - begun
    )


async def _go(at: Knock, identity: RunIdentity, steps: list[Step]) -> tuple[Head, bytes]:
    """Go as far as possible, noting each step before it is taken; return the answer's head and its first page."""
    path, request = at.path, f"connect {at.path.authority}"
    place = (path.proxy.host, path.proxy.port) if path.proxy else (path.host, path.port)
    front = await path.front_headers()
    steps.append(Step.NAME)
    try:
        await resolve(*place)
    except (OSError, UnicodeError) as error:
        kind = PathBlocked if path.proxy else Unreachable
        raise kind(request, f"no such name as {place[0]!r} ({getattr(error, 'strerror', None) or error})") from error
    steps.append(Step.TCP)
    plain, _ = await dial(path, request)
    steps.append(Step.TLS if path.tls else Step.FIRST_BYTE)
    streams = await secure(plain, path, request)
    steps.append(Step.FIRST_BYTE)
    asked = h11.Request(method="GET", target=at.target, headers=reveal([*_headers(at, identity), *front]))
    return await _exchange(streams, asked, request)


def _headers(at: Knock, identity: RunIdentity) -> list[tuple[str, str]]:
    headers = [("Host", at.path.authority), *identity.headers(identity.new_trace()).items()]
    if not at.upgrade:
        return [*headers, ("Connection", "close")]
    key = b64encode(secrets.token_bytes(16)).decode()
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    return [*headers, *upgrade, ("Sec-WebSocket-Key", key)]


async def _exchange(streams: Streams, asked: h11.Request, request: str) -> tuple[Head, bytes]:
    """Send a request and read the head of its answer, and the page of a refusal. Raises Unreachable, BadAnswer."""
    state = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
    try:
        streams[1].write((state.send(asked) or b"") + (state.send(h11.EndOfMessage()) or b""))
        response = await _read_head(streams[0], state, request)
        page = await _read_page(streams[0], state) if response.status_code in REFUSALS else b""
    except OSError as error:
        raise Unreachable(request, f"{type(error).__name__}: {error}") from error
    except h11.RemoteProtocolError as error:
        raise BadAnswer(request, f"not an HTTP/1.1 answer: {error}") from error
    finally:
        streams[1].close()
    return response, page


async def _read_head(reader: asyncio.StreamReader, state: h11.Connection, request: str) -> Head:
    """The head of the answer. Raises Unreachable if nothing comes at all."""
    any_byte = False
    for _ in range(PARTS):
        event = state.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(HEAD_BYTES)
            if not data and not any_byte:
                raise Unreachable(request, "closed before any answer")
            any_byte = True
            state.receive_data(data)
        elif isinstance(event, h11.Response) or (
            isinstance(event, h11.InformationalResponse) and event.status_code == SWITCHED
        ):
            return event
    raise BadAnswer(request, f"{PARTS} informational answers, and none that is final")


async def _read_page(reader: asyncio.StreamReader, state: h11.Connection) -> bytes:
    """The beginning of the body, as far as it arrives soon."""
    page = bytearray()
    with contextlib.suppress(TimeoutError):  # what has come is enough
        async with asyncio.timeout(PAGE_S):
            while len(page) < PAGE_BYTES:
                event = state.next_event()
                if event is h11.NEED_DATA:
                    state.receive_data(await reader.read(PAGE_BYTES))
                elif isinstance(event, h11.Data):
                    page += event.data
                else:
                    break
    return bytes(page)


def _whose_page(at: Knock, response: Head, page: bytes) -> tuple[Whose, str]:
    """Whose answer that is: the door's own, or that of something in front of it that we have to satisfy."""
    status = response.status_code
    head = {bytes(name): bytes(value) for name, value in response.headers}
    if status in REFUSALS and IAM_PAGE in page:
        return Whose.OURS, (
            f"Google IAM answers {status} before the service: give our account roles/run.invoker and set [{at.key}] "
            f'identity = "google" (or "given", with NETRA_{at.key.upper()}__IDENTITY_TOKEN)'
        )
    server = head.get(b"server", b"").lower()
    if status in PROXY_STATUSES or PROXY_HEADERS & head.keys() or server.startswith(PROXY_SERVERS):
        name = excerpt(server.decode("latin-1"), 40)
        return Whose.OURS, (
            f"a proxy's own page ({status}, {name!r}) instead of the service's: see HTTPS_PROXY and NO_PROXY, or have "
            "it let us through"
        )
    return Whose.NO_ONES, f"answered {status}"
