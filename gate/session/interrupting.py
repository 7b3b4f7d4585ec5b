"""Where a signal finds the run, which decides whether and how it may be interrupted there.

What is raised between two of pytest's steps, such as between the teardowns of two fixtures or in the middle of a hook,
does not end a step: it loses the teardowns that are still to come, or looks like a crash of pytest.
"""

import logging
import re
import sys
import warnings
from enum import Enum, auto
from pathlib import Path
from types import FrameType

import pytest

# Files that call hooks; pytest's fixtures.py calls teardowns.
HOOKS = re.compile(r"/(_pytest/(?!fixtures\.py$)|pluggy/)")
MACHINERY = re.compile(rf"/(_pytest|pluggy|allure_pytest)/|^{re.escape(str(Path(__file__).parent))}/")
STEP = pytest.CallInfo.from_call.__func__.__code__  # type: ignore[attr-defined]  # a class method has its function
FINISH = pytest.FixtureDef.finish.__code__  # calls a fixture's finalizers, and keeps what they raise


class Place(Enum):
    """Where the run is."""

    CASE = auto()  # collecting, setting up or calling: an interrupt ends the step
    TEARDOWN = auto()  # in a fixture's own teardown: an exception ends it, and the next fixture's is run
    BETWEEN = auto()  # in pytest's own code or a plugin's: nothing may be raised


def find_place(frame: FrameType | None, *, tearing_down: bool) -> Place:
    """Where the run is, by the frame that a signal interrupted; `tearing_down`: a case's fixtures are taken down."""
    machinery = frame is not None and MACHINERY.search(frame.f_code.co_filename) is not None
    while frame is not None:
        if frame.f_code is FINISH:
            return Place.BETWEEN if machinery else Place.TEARDOWN
        if frame.f_code is STEP:
            return Place.BETWEEN if tearing_down else Place.CASE
        machinery |= HOOKS.search(frame.f_code.co_filename) is not None
        frame = frame.f_back
    return Place.BETWEEN


def _keep_none(_record: logging.LogRecord) -> bool:
    return False


def silence_what_was_cut_off() -> None:
    """Drop what asyncio logs about tasks that an interrupt cut off: it would come after the verdict's line."""
    logging.getLogger("asyncio").addFilter(_keep_none)


def silence_what_is_collected() -> None:
    """The same for what Python prints when such a task or coroutine is destroyed, as late as at its exit.

    pytest would raise what it has collected of these.
    """
    sys.unraisablehook = lambda _unraisable: None
    for kind in (RuntimeWarning, ResourceWarning, pytest.PytestUnraisableExceptionWarning):
        warnings.simplefilter("ignore", kind)
    warnings.simplefilter("ignore", pytest.PytestUnhandledThreadExceptionWarning)
