"""A warning about what one test left is that test's failure, and not the next one's."""

import pytest

ALONE = ("-W", "error", "-p", "no:asyncio")
LEAVING = """
import gc
import socket

def test_leaves_a_socket_in_a_cycle():
    gc.disable()  # as if no collection came before the end
    left = [socket.socket()]
    left.append(left)

def test_leaves_nothing():
    gc.enable()
    gc.collect()
"""


def test_a_warning_is_that_of_the_test_that_caused_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(LEAVING)
    done = pytester.runpytest_inprocess(*ALONE, "-p", "tests.own_warnings")
    done.assert_outcomes(passed=2, errors=1)
    done.stdout.fnmatch_lines(["*ERROR at teardown of test_leaves_a_socket_in_a_cycle*", "*ResourceWarning*"])


def test_without_it_the_next_test_would_fail(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(LEAVING)
    done = pytester.runpytest_inprocess(*ALONE)
    done.assert_outcomes(passed=1, failed=1)
