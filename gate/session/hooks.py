"""What the gate asks of whoever knows the target; fixtures implement it."""

import pytest

from gate.failures import Judgement
from gate.plan import Plan


class NoSuchTarget(Exception):  # pytest.UsageError can't be inherited from
    """The command line names a target that nobody has described: no run was meant, so the last verdict stands."""


@pytest.hookspec(firstresult=True)
def pytest_gate_plan(config: pytest.Config) -> Plan:  # type: ignore[empty-body]  # plugins implement it
    """Tell what this run is about. Raises pytest.UsageError, in one paragraph, for an unusable configuration."""


@pytest.hookspec(firstresult=True)
def pytest_gate_classify(error: BaseException) -> Judgement | None:
    """Judge an error that escaped a check's body or a fixture; None: not known here."""
