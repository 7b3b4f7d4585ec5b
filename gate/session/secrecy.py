"""Redacts what pytest, Allure and log handlers write during a run, so that even a killed run leaves no secret.

Secrets print as stars by their own type. The rest is redacted here, before anybody reads it: locals in a library's
frames, a server that repeats our key, a library's own log lines. A server's text is in all of these too, and
is neutralised in the same place: a traceback must not forge a verdict line or control a terminal or a CI system.
"""

import logging
import re
import resource
import sys
from collections.abc import Generator
from typing import Any, TextIO, cast

import pytest

from gate.plain_text import neutralise
from gate.redaction import Redactor
from gate.report.allure import write_clean
from gate.session.allure_listener import leave_fixtures_out

NO_CORE = 1  # bytes: less than any core dump; by core(5) no core is piped to a program either


PYTESTS_OWN = re.compile(r"(^\r|\x1b\[[0-9;]{0,16}m)")  # carriage returns and colours


class CleanStream:
    """A text stream that redacts and neutralises what is written to it; its own colours may pass `with_colours`."""

    def __init__(self, stream: TextIO, redactor: Redactor, *, with_colours: bool = False) -> None:
        self._stream, self._redactor, self._with_colours = stream, redactor, with_colours

    def write(self, text: str) -> int:
        """Write the text, redacted and neutralised."""
        parts = PYTESTS_OWN.split(self._redactor.text(text)) if self._with_colours else [self._redactor.text(text)]
        plain = (part if number % 2 else neutralise(part, multi_line=True) for number, part in enumerate(parts))
        self._stream.write("".join(plain))
        return len(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)


class Secrecy:
    """Redacts what pytest, its plugins and log handlers write during a run."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._make_record = logging.getLogRecordFactory()
        self._streams = sys.stdout, sys.stderr

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """All plugins are configured: wrap their files and streams."""
        leave_no_core()
        write_clean(self._redactor)
        leave_fixtures_out(session.config)
        logging.setLogRecordFactory(self._record)
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter:
            reporter._tw._file = CleanStream(reporter._tw._file, self._redactor, with_colours=True)  # noqa: SLF001 - all of pytest's output passes there
        if session.config.option.capture == "no":
            sys.stdout = cast("TextIO", CleanStream(self._streams[0], self._redactor))
            sys.stderr = cast("TextIO", CleanStream(self._streams[1], self._redactor))

    def pytest_unconfigure(self) -> None:
        """Restore everything: a process may run pytest more than once."""
        logging.setLogRecordFactory(self._make_record)
        sys.stdout, sys.stderr = self._streams

    @pytest.hookimpl(wrapper=True, trylast=True)  # innermost: before Allure, JUnit and the terminal see the report
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """A case's report without secrets: traceback, locals, captured output."""
        report = yield
        return self._clean(report)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """A module's report that could not be collected, in the same way."""
        report = yield
        report.longrepr = cleaned(report.longrepr, self._redactor)
        return report

    def _clean(self, report: pytest.TestReport) -> pytest.TestReport:
        report.longrepr = cleaned(report.longrepr, self._redactor)
        report.sections = cleaned(report.sections, self._redactor)
        return report

    def _plain(self, text: str) -> str:
        return neutralise(self._redactor.text(text), multi_line=True)

    def _record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401 - logging's own signature
        """A log record whose text is redacted and neutralised before any handler, live or captured, sees it."""
        record = self._make_record(*args, **kwargs)
        record.msg, record.args = self._plain(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = self._plain(logging.Formatter().formatException(record.exc_info))
        return record


def leave_no_core() -> None:
    """Disable core dumps, which would contain all secrets in clear text."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    soft = NO_CORE if hard == resource.RLIM_INFINITY or hard >= NO_CORE else hard
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


def cleaned(value: Any, redactor: Redactor) -> Any:  # noqa: ANN401 - a part of one of pytest's reports
    """A part of a report with every text in it redacted and neutralised; pytest's own objects are changed in place."""
    if isinstance(value, str):
        return neutralise(redactor.text(value), multi_line=True)
    if isinstance(value, list | tuple):
        return type(value)(cleaned(item, redactor) for item in value)
    if type(value).__module__.startswith("_pytest._code"):
        for name, part in vars(value).items():
            setattr(value, name, cleaned(part, redactor))
    return value
