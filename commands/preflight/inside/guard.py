"""Restricts the process that runs an env.py to the scratch server.

Four safeguards, because drivers differ: an audit hook for sockets that Python opens (asyncpg, pg8000, HTTP), the entry
points of drivers that open them in C (psycopg, psycopg2), SQLAlchemy's event before any connection, and the kernel
(`kernel.confine`). For a connection that passes all four, the relay verifies which server it reached. The first refusal
ends the process, because an exception could be caught and the connection tried again.
"""

import os
import sys
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

REFUSED = 40  # this process's exit code
HELPERS = frozenset({"ldconfig", "gcc", "cc", "ld", "objdump", "uname", "git", "lsb_release", "ifconfig", "ip"})
STARTS = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.spawn"})
Report = Callable[[dict[str, Any]], None]


class Guard:
    """Installs the safeguards for one address."""

    def __init__(self, host: str, port: int, report: Report) -> None:
        self._host, self._port, self._report = host, port, report

    def install(self) -> None:
        """From now on nothing else can be reached."""
        sys.addaudithook(self._audit)
        self._wrap_psycopg()
        self._wrap_psycopg2()
        self._listen()

    def _refuse(self, what: str) -> NoReturn:
        self._report({"refused": what})
        os._exit(REFUSED)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            self._check_address(arguments[1])
        elif event == "socket.getaddrinfo" and arguments[0] and not self._is_ours(arguments[0]):
            self._refuse(f"looks for the host {_text(arguments[0])}, port {arguments[1]}")
        elif event == "sqlite3.connect" and _text(arguments[0]) not in {":memory:", ""}:
            self._refuse(f"opens the SQLite file {_text(arguments[0])}")
        elif event in STARTS:
            program = Path(_text(_first(arguments[0]))).name.partition(" ")[0]
            if program not in HELPERS:
                self._refuse(f"starts the program {program!r}, which could reach anything")

    def _check_address(self, address: object) -> None:
        if isinstance(address, tuple):
            host, port = address[:2]
            if not self._is_ours(host) or port != self._port:
                self._refuse(f"connects to {_text(host)}, port {port}")
        elif address is not None:  # a path, or an abstract name
            self._refuse(f"connects to the socket {_text(address)}")

    def _is_ours(self, host: object) -> bool:
        return _text(host) in {self._host, "localhost"}

    def _check_parameters(self, hosts: Iterable[object], ports: Iterable[object]) -> None:
        for host in hosts:
            if not self._is_ours(host):
                self._refuse(f"connects to {_text(host)}")
        for port in ports:
            if str(port) != str(self._port):
                self._refuse(f"connects to {self._host}, port {port}")

    def _check_conninfo(self, read: Callable[[str], dict[str, Any]], conninfo: str) -> None:
        """A libpq address: missing parts come from the environment, which has the scratch server's."""
        given = read(conninfo)
        if given.get("service"):
            self._refuse(f"connects by the service {given['service']!r} of a pg_service.conf")
        hosts = [host for key in ("host", "hostaddr") for host in str(given.get(key) or "").split(",") if host]
        ports = [port for port in str(given.get("port") or "").split(",") if port]
        self._check_parameters(hosts or [os.environ.get("PGHOST", "")], ports or [os.environ.get("PGPORT", "")])

    def _wrap_psycopg(self) -> None:
        if find_spec("psycopg") is None:
            return
        from psycopg import generators  # noqa: PLC0415 - may be absent
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above

        connect = generators.connect

        def guarded(conninfo: str, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - psycopg's own arguments
            self._check_conninfo(conninfo_to_dict, conninfo)
            return connect(conninfo, *arguments, **more)

        generators.connect = guarded

    def _wrap_psycopg2(self) -> None:
        if find_spec("psycopg2") is None:
            return
        import psycopg2  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415 - may be absent
        from psycopg2.extensions import parse_dsn  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415 - as above

        connect = psycopg2._connect  # noqa: SLF001 - psycopg2.connect calls only this

        def guarded(dsn: str, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - psycopg2's own arguments
            self._check_conninfo(parse_dsn, dsn)
            return connect(dsn, *arguments, **more)

        psycopg2._connect = guarded  # noqa: SLF001 - as above

    def _listen(self) -> None:
        from sqlalchemy import Engine, event  # noqa: PLC0415 - after the audit hook, so that its imports are covered

        def before_connecting(dialect: Any, _record: object, _args: object, _params: object) -> None:  # noqa: ANN401 - SQLAlchemy's own signature
            if dialect.name != "postgresql":
                self._refuse(f"opens a {dialect.name} database")

        event.listen(Engine, "do_connect", before_connecting)


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _first(value: object) -> object:
    return value[0] if isinstance(value, list | tuple) and value else value
