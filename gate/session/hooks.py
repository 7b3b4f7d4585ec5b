"""The gate's hooks, which the fixtures implement because they know the target."""

import pytest

from gate.failures import Judgement
from gate.plan import Plan


class NoSuchTarget(Exception):  # pytest.UsageError can't be inherited from
    """The command line names an unknown target: no run was intended, so the last verdict stays."""


@pytest.hookspec(firstresult=True)
def pytest_gate_plan(config: pytest.Config) -> Plan:  # type: ignore[empty-body]  # plugins implement it
    """Describe this run. Raises pytest.UsageError, in one paragraph, for an unusable configuration."""


@pytest.hookspec(firstresult=True)
def pytest_gate_classify(error: BaseException) -> Judgement | None:
    """Classify an error that escaped a check's body or a fixture; None: unknown."""
