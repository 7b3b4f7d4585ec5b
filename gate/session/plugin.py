"""The gate as a pytest plugin: options, the run's frame, its fixtures; collection and judging are in other modules."""

import gc
import io
import os
import sys
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TextIO

import pytest

from gate.check import ALSO_NEEDS, AT_THE_END, BESIDE
from gate.evidence import Recorder
from gate.run import Run
from gate.session import hooks
from gate.session.case_outcome import RESULT, begin_attempt, judge, settle
from gate.session.copies import wanted_copies
from gate.session.foreign_plugins import refuse_hiding, refuse_tracing, refuse_what_shows, refuse_without
from gate.session.interrupting import silence_what_is_collected, silence_what_was_cut_off
from gate.session.latest import put_latest_back, retire_latest
from gate.session.live_progress import Live
from gate.session.options import add_options, arguments_of, default_reports, only_looks, refuse_workers, report_dir
from gate.session.publishing import begin, conclude
from gate.session.secrecy import Secrecy
from gate.session.selecting import Selecting, last_durations, last_failed, selection_of
from gate.session.selection import choose
from gate.session.stopping import Stopping
from gate.session.taking_down import TakingDown
from gate.unread import lossy

RUN = pytest.StashKey[Run]()
LIVE = pytest.StashKey[Live]()
SESSION = pytest.StashKey[pytest.Session]()
STOPPING = pytest.StashKey[Stopping]()
LATEST = pytest.StashKey[str]()  # what `latest` was before this run
AGAIN_S = 5.0  # after how long a stop that had no effect is repeated
SOAK_AGAIN_S = 60.0  # the same for a soak, which needs time to close its sessions
QUIETER_THAN_QUIET = -2  # the gate's lines replace pytest's; -v prints one line per case, -vv adds pytest's


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that the fixtures implement."""
    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the run's options, and remove the last verdict before anything can go wrong."""
    add_options(parser)
    config = pluginmanager.get_plugin("pytestconfig")
    arguments = arguments_of(config) if config else []
    refuse_workers(arguments)
    if config and not only_looks(arguments):
        config.stash[LATEST] = retire_latest(report_dir(arguments, config.rootpath))


@pytest.hookimpl(tryfirst=True)  # before Allure's own, which reads the folder that is set here
def pytest_configure(config: pytest.Config) -> None:
    """Frame the run: plan, folder, a provisional verdict. Raises pytest.UsageError, contacting nothing."""
    config.addinivalue_line("markers", f"{ALSO_NEEDS}(*needs): what one case needs beyond its check")
    config.addinivalue_line("markers", f"{AT_THE_END}: a case that judges the whole run, after all others")
    config.addinivalue_line(
        "markers", f"{BESIDE}(takes_long=False, goes_on=False, spoils=False): may be asked while others are"
    )
    if config.option.report_dir is None:
        config.option.report_dir = str(default_reports(config.rootpath))
    if only_looks(arguments_of(config)):
        config.pluginmanager.register(Selecting(None, config.option.check, None))
        return
    refuse_without(config)
    refuse_tracing(config)
    refuse_hiding(config)
    refuse_what_shows(config)
    run = _framed(config)
    config.pluginmanager.register(Secrecy(run.redactor))
    begin(run)
    _prepare_to_stop(config, run)
    _show_progress(config, run)
    config.stash[RUN] = run  # last: its end relies on the others
    run.copies = wanted_copies(config)
    config.option.allure_report_dir = None if run.plan.verdict_only else str(run.folder / "allure-results")
    config.stash[STOPPING].arm()


def _prepare_to_stop(config: pytest.Config, run: Run) -> None:
    def on_stop(reason: str) -> None:
        run.interrupted = reason
        silence_what_was_cut_off()
        if SESSION in config.stash:  # if a case survives the interrupt, it is the last one
            config.stash[SESSION].shouldstop = reason

    again_s = SOAK_AGAIN_S if run.plan.phase == "soak" else AGAIN_S
    config.stash[STOPPING] = Stopping(deadline_s=run.plan.deadline_s, again_s=again_s, on_stop=on_stop)
    config.pluginmanager.register(TakingDown(config.stash[STOPPING]))


def _show_progress(config: pytest.Config, run: Run) -> None:
    """Replace pytest's own lines by the gate's, unless -vv asks for both."""
    verbose = config.option.verbose > 0
    if config.option.verbose <= 1:
        config.option.verbose = QUIETER_THAN_QUIET
        config.option.no_summary = True
    file = io.StringIO() if run.plan.silent else sys.stdout
    config.stash[LIVE] = Live(_past_capture(file), verbose=verbose, expected=partial(last_durations, run.plan))


def _framed(config: pytest.Config) -> Run:
    """The run, from its plan. For an unknown target the last verdict is restored."""
    if config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR:  # whatever the folder, it is the whole suite
        config.args = [str(config.rootpath / path) for path in config.getini("testpaths")] or config.args
    try:
        plan = config.hook.pytest_gate_plan(config=config)
    except hooks.NoSuchTarget as error:
        put_latest_back(Path(config.option.report_dir), config.stash.get(LATEST, ""))
        raise pytest.UsageError(str(error)) from error
    run = Run(plan=plan, selection=selection_of(config), before=config.stash.get(LATEST, ""))
    last = last_failed(plan) if getattr(config.option, "lf", False) else None  # undeclared with -p no:cacheprovider
    config.pluginmanager.register(Selecting(run, config.option.check, last))
    return run


@pytest.hookimpl(tryfirst=True)  # before pytest's own header
def pytest_sessionstart(session: pytest.Session) -> None:
    """All plugins are configured: make pytest silent if that was requested."""
    session.config.stash[SESSION] = session
    run = session.config.stash.get(RUN, None)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if run is not None and run.plan.silent and reporter:
        reporter._tw._file = io.StringIO()  # noqa: SLF001 - the only place that all of pytest's output passes


def _past_capture(file: TextIO) -> TextIO:
    """The same output on our own descriptor: pytest redirects its own while a case runs."""
    try:
        return lossy(os.dup(file.fileno()), encoding=file.encoding)
    except (OSError, io.UnsupportedOperation):
        return file  # no descriptor to bypass: an in-memory stream


@pytest.hookimpl(trylast=True)  # after -k and others have deselected theirs
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse undeclared tests and ids declared twice.

    Leave out what does not belong to the phase or what the target does not offer.
    """
    run = config.stash.get(RUN, None)
    left_out = choose(items, run)
    if run is not None and left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Print a module that could not be collected: pytest's own summary is quiet here."""
    if report.failed:
        print(report.longreprtext)  # noqa: T201 - outside a test nothing captures, and the message is the user's


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Run, and note what cuts the run short, because pytest itself may be interrupted again while it reports it."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return (yield)
    # What was imported and collected lives as long as the run: to look at it again and again is a tenth of our CPU, and
    # each time a stall of our own event loop.
    gc.freeze()
    session.config.stash[LIVE].plan(item.stash[RESULT] for item in session.items if RESULT in item.stash)
    try:
        try:
            return (yield)
        finally:
            session.config.stash[STOPPING].only_note()  # until the teardowns
    except KeyboardInterrupt:
        run.interrupted = run.interrupted or "interrupted"
        silence_what_was_cut_off()
        if session.config.option.fulltrace:
            raise
        # Raised further, pytest renders its traceback before any teardown, reading every module in it.
        session.shouldstop = run.interrupted
        return True
    finally:
        session.config.stash[LIVE].close()  # before pytest's summary


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Leave out the remaining cases once nothing of the target can be reached: the verdict says why."""
    run = item.config.stash.get(RUN, None)
    return True if run is not None and run.blocked else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Show what is being checked."""
    if RESULT in item.stash and RUN in item.config.stash:
        begin_attempt(item.config.stash[RUN], item.stash[RESULT])
        item.stash[RESULT].began = datetime.now(UTC)
        item.config.stash[LIVE].begin(item.stash[RESULT])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn pytest's reports on a case into its outcome, even if an interrupt left a report unfinished."""
    report = None
    try:
        report = yield
        return report
    finally:
        run = item.config.stash.get(RUN, None)
        if run is not None:
            result = item.stash[RESULT]
            judge(result, report, call, item.config.hook.pytest_gate_classify, run)
            settle(run, result)
            if call.when == "teardown":
                item.config.stash[LIVE].end(run.results[result.key])


def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """No dots in quiet mode: the gate's own lines show the progress."""
    if config.option.verbose <= QUIETER_THAN_QUIET:
        return report.outcome, "", ""
    return None


def pytest_internalerror(excrepr: object, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Keep the crash of pytest or a plugin as the reason of the verdict; pytest prints it itself."""
    del excrepr
    _INTERNAL.append(f"internal error: {excinfo.typename}: {excinfo.value}")


_INTERNAL: list[str] = []  # pytest_internalerror is given no config


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost: around every teardown and pytest's own summary
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, None, None]:
    """Keep the verdict even if a teardown raises, or hangs until it is interrupted."""
    run, stopping = session.config.stash.get(RUN, None), session.config.stash.get(STOPPING, None)
    if run is None or stopping is None:
        yield
        return
    if run.interrupted and exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        session.exitstatus = exitstatus = pytest.ExitCode.INTERRUPTED
    try:
        yield
    except BrokenPipeError:
        pass  # pytest had something to print, but the reader of our output has gone
    except BaseException as error:  # noqa: BLE001 - the results so far are judged anyway; groups hold an interrupt too
        cut = not isinstance(error, (Exception, SystemExit)) or bool(stopping.given_up)
        why = "interrupted" if cut else f"a crash: {type(error).__name__}: {error}"
        run.interrupted = run.interrupted or f"{why}, after the last case"
        interrupted = cut or exitstatus == pytest.ExitCode.INTERRUPTED
        session.exitstatus = pytest.ExitCode.INTERRUPTED if interrupted else pytest.ExitCode.INTERNAL_ERROR
    if stopping.given_up:
        left = f"teardowns that took too long: {', '.join(stopping.given_up)}"
        run.interrupted = f"{run.interrupted}; {left}" if run.interrupted else left
    if session.exitstatus in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR}:
        collecting = "pytest could not collect the suites" if session.testsfailed else "interrupted"
        run.interrupted = run.interrupted or (_INTERNAL[-1] if _INTERNAL else collecting)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost: after everyone else
def pytest_unconfigure(config: pytest.Config) -> Generator[None, None, None]:
    """Decide, write every artifact, print the verdict, and exit with its code."""
    cut = SESSION in config.stash and config.stash[SESSION].exitstatus == pytest.ExitCode.INTERRUPTED
    try:
        if cut:
            silence_what_is_collected()
        yield
    finally:
        run = config.stash.get(RUN, None)
        if run is not None:
            del config.stash[RUN]
            stopping = config.stash[STOPPING]
            stopping.only_note()
            session = config.stash.get(SESSION, None)
            status = int(session.exitstatus) if session else int(pytest.ExitCode.INTERNAL_ERROR)
            if run.interrupted and status == pytest.ExitCode.OK:
                status = int(pytest.ExitCode.INTERRUPTED)
            if session is None:
                run.interrupted = run.interrupted or "the run could not begin"
            run.late = stopping.late
            code = conclude(run, status, config.stash[LIVE].console)
            if session is not None:
                session.exitstatus = code
            stopping.release(code)


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> Run:
    """The run: its id and plan; fixtures record what they learn about the release."""
    return pytestconfig.stash[RUN]


@pytest.fixture(scope="session")
def narrate(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Report the progress of a long case."""
    return pytestconfig.stash[LIVE].say


@pytest.fixture
def recorder(request: pytest.FixtureRequest) -> Recorder:
    """This case's evidence."""
    result = request.node.stash[RESULT]
    recorder: Recorder = result.recorder
    return recorder
