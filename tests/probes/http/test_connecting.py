"""Opening a connection: each address of a name is tried, and an error says at which step it came and whose it is."""

import asyncio
import errno
import os
import resource
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import pytest

from probes.errors import ClientUnfit, PathBlocked, ProbeError, Unreachable
from probes.http import connecting
from probes.http.connecting import dial, open_streams, secure, tls_error
from probes.http.network_path import NetworkPath, find_path
from tests.loopback import LOOPBACK, listening
from tests.system.waiting import HANGS_S

NAME = "service.invalid"
UNSUPPORTED = 9_999  # the number of no family of addresses
Place = tuple[int, str, int]


@asynccontextmanager
async def accepting() -> AsyncIterator[int]:
    """A door that accepts connections, and waits until they end; yields its port."""

    async def wait(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with listening(wait) as port:
        yield port


@contextmanager
def taken() -> Iterator[int]:
    """A port that is taken, and where no one listens: a connection to it is refused."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        yield held.getsockname()[1]


@contextmanager
def deaf() -> Iterator[int]:
    """A port whose queue is full: a connection to it is neither accepted nor refused."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        held.listen(0)
        port = held.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)  # noqa: FBT003 - socket's own signature
            one.connect_ex((LOOPBACK, port))
        yield port
        for one in waiting:
            one.close()


def name_leads_to(monkeypatch: pytest.MonkeyPatch, *places: Place) -> NetworkPath:
    """The path to a name which this machine's resolver has at these places."""

    def answer(_host: str, _port: int, *, flags: int = 0, **_: object) -> Sequence[object]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not an address")
        return [(family, socket.SOCK_STREAM, 0, "", (host, port)) for family, host, port in places]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return find_path(f"http://{NAME}")


def at(port: int) -> Place:
    return socket.AF_INET, LOOPBACK, port


async def error_of(path: NetworkPath) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        await dial(path, "the request")
    assert caught.value.request == "the request"
    return caught.value


async def test_an_address_that_refuses_or_is_of_an_unknown_family_gives_way_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with accepting() as port:
        with taken() as refusing:
            path = name_leads_to(monkeypatch, at(refusing), (UNSUPPORTED, LOOPBACK, port), at(port))
            plain, steps = await dial(path, "a request")
        with plain:
            assert plain.getpeername() == (LOOPBACK, port)
    assert steps.tls_s is None
    assert steps.whole_s == steps.name_s + steps.tcp_s > 0


async def test_the_error_is_that_of_the_last_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with taken() as refusing:
        refused = await error_of(name_leads_to(monkeypatch, (UNSUPPORTED, LOOPBACK, 1), at(refusing)))
        unsupported = await error_of(name_leads_to(monkeypatch, at(refusing), (UNSUPPORTED, LOOPBACK, 1)))
    nowhere = await error_of(name_leads_to(monkeypatch))
    assert refused.detail.startswith("ConnectionRefusedError: ")
    assert unsupported.detail == f"OSError: {os.strerror(errno.EAFNOSUPPORT)}"
    assert nowhere.detail == "no address"
    assert {type(one) for one in (refused, unsupported, nowhere)} == {Unreachable}


async def test_an_address_that_leads_nowhere_is_given_up_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "ADDRESS_S", 0.05)
    async with accepting() as port:
        with deaf() as silent:
            plain, steps = await dial(name_leads_to(monkeypatch, at(silent), at(port)), "a request")
        with plain:
            assert plain.getpeername() == (LOOPBACK, port)
    assert steps.tcp_s >= 0.05


async def test_the_last_address_has_all_the_time_that_the_caller_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "ADDRESS_S", 0.05)
    with deaf() as silent, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await dial(name_leads_to(monkeypatch, at(silent)), "a request")


async def test_small_requests_are_not_held_back() -> None:
    async with accepting() as port:
        plain, _ = await dial(find_path(f"http://{LOOPBACK}:{port}"), "a request")
        with plain:
            assert plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_without_descriptors_it_is_our_own_fault_and_says_what_to_raise() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    path = find_path(f"http://{LOOPBACK}:9")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        error = await error_of(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert isinstance(error, ClientUnfit)
    assert error.detail == f"we are out of descriptors ({os.strerror(errno.EMFILE)}): raise `ulimit -n`"


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", NAME])
async def test_a_name_that_does_not_exist_is_the_services_or_the_proxys(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = await error_of(find_path(f"http://{host}"))
    monkeypatch.setenv("HTTP_PROXY", f"http://user:opensesame@{host}:3128")
    behind = await error_of(find_path("http://elsewhere.invalid"))
    assert isinstance(direct, Unreachable)
    assert direct.detail.startswith("no such name: ")
    assert direct.detail != "no such name: "
    assert isinstance(behind, PathBlocked)
    assert behind.detail == f"proxy {host}:3128: {direct.detail}"


async def test_a_lookup_that_no_one_waits_for_any_more_disturbs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, complaints = asyncio.get_running_loop(), list[object]()
    looked, answer = asyncio.Event(), asyncio.Event()

    def look_up(_host: str, _port: int, *, flags: int = 0, **_: object) -> Sequence[object]:
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "not an address")
        loop.call_soon_threadsafe(looked.set)
        asyncio.run_coroutine_threadsafe(answer.wait(), loop).result(HANGS_S)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    loop.set_exception_handler(lambda _loop, context: complaints.append(context))
    try:
        asking = asyncio.create_task(connecting.resolve(NAME, 80))
        await looked.wait()
        asking.cancel()
        answer.set()
        await asyncio.wait({asking})
        await asyncio.to_thread(_join_lookups)
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    assert asking.cancelled()
    assert not complaints


def _join_lookups() -> None:
    for thread in threading.enumerate():
        if thread.name == f"resolve {NAME}":
            thread.join(HANGS_S)


async def test_a_connection_that_is_given_up_during_tls_is_closed() -> None:
    greeted, ended = asyncio.Event(), asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        greeted.set()
        await reader.read(-1)
        ended.set()

    async with listening(never_answer) as port:
        opening = asyncio.create_task(open_streams(find_path(f"https://{LOOPBACK}:{port}")))
        await greeted.wait()
        opening.cancel()
        async with asyncio.timeout(HANGS_S):
            await ended.wait()
    assert opening.cancelled()


async def test_a_reset_during_tls_is_an_error_of_tls() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with listening(reset) as port:
        path = find_path(f"https://{LOOPBACK}:{port}")
        plain, _ = await dial(path, "a request")
        with pytest.raises(Unreachable, match=r"^the request: TLS: ConnectionResetError"):
            await secure(plain, path, "the request")


def _unverified(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "verify failed")
    error.verify_code, error.verify_message = code, "so it is"
    return error


def _failed(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "a failure")
    error.reason = reason
    return error


@pytest.mark.parametrize("code", range(17, 23))
def test_a_certificate_is_not_trusted_for_want_of_an_issuer_alone(code: int) -> None:
    error = tls_error(_unverified(code), "a request")
    if code in {18, 19, 20, 21}:
        assert isinstance(error, PathBlocked)
        assert error.detail == (
            "TLS: we don't trust the certificate: so it is. If it is of your own CA, name the CA's file in [network] "
            "ca_file (NETRA_NETWORK__CA_FILE)"
        )
    else:
        assert isinstance(error, Unreachable)
        assert error.detail == "TLS: the certificate is not good: so it is"


@pytest.mark.parametrize(
    "error, said",
    [
        (_failed("WRONG_VERSION_NUMBER"), "TLS: WRONG_VERSION_NUMBER"),
        (_failed(""), "TLS: a failure"),
        (ConnectionResetError("gone"), "TLS: ConnectionResetError: gone"),
    ],
)
def test_what_ended_tls_is_named(error: OSError, said: str) -> None:
    found = tls_error(error, "a request")
    assert isinstance(found, Unreachable)
    assert found.detail == said
