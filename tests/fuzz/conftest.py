"""A target that is nowhere, and a plan for it: what the checks in memory are about."""

import json
from pathlib import Path

import pytest

from gate.plan import Plan
from targets.loading import load_target
from targets.model import Target
from tests.fuzz.world import LOGIN_KEY


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    addresses = tmp_path_factory.mktemp("target") / "addresses.json"
    tokens = {"signing_secret": "a-secret-of-thirty-two-characters", "service_key": "a-key", "login_key": LOGIN_KEY}
    there = {"backend": {"url": "http://127.0.0.1:9"}, "auth": {"url": "http://127.0.0.1:9"}, "tokens": tokens}
    there["platform"] = {"credentials": "none"}
    addresses.write_text(json.dumps(there))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETRA_ADDRESSES", str(addresses))
        patch.setenv("NETRA_CONTRACT__LOGS__CANARY_WAIT_S", "0.05")
        patch.setenv("NETRA_QUICK_SIZES__SILENT_S", "0.1")
        return load_target("local")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    offers = frozenset(["http", "ws", "auth", "health", "logs", "run", "metrics", "mint", "token", "write", "single"])
    return Plan(
        target="local",
        environment="local",
        profile="full",
        phase="smoke",
        offers=offers,
        lacking={},
        required={},
        secrets=(),
        report_dir=tmp_path,
        quick=True,
        deadline_s=60.0,
    )
