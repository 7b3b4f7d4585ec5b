"""Secrets given as names: read by the container itself from a Secret Manager on loopback, by Google's own library."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.secret_manager import secret_manager
from tests.system.running import ROOT, clean_environment
from tests.system.waiting import HANGS_S

ENTRYPOINT = ROOT / "deploy/container/entrypoint.py"
SIGNING = "a 100% made-up secret,\nof two lines and enough length"
DATABASE = "postgresql://reader:pass-word@127.0.0.1:9/netra"
HELD = {"signing": SIGNING, "database": DATABASE}


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with secret_manager(HELD, tmp_path / "account.json") as told:
        yield {**clean_environment(), **told, "REPORTS": str(tmp_path / "reports")}


def enter(environment: dict[str, str], **more: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, ENTRYPOINT, "--target=staging", "-k", "nothing_matches"],
        cwd=os.sep,
        text=True,
        check=False,
        env={**environment, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=HANGS_S,
    )
    return done.returncode, done.stdout.strip().splitlines()


def sealed(name: str) -> str:
    return f"secret:projects/p/secrets/{name}/versions/latest"


def test_a_named_secret_reaches_the_suite_and_is_masked_before_anything_else_is_said(
    environment: dict[str, str],
) -> None:
    code, lines = enter(
        environment,
        GITHUB_ACTIONS="true",
        NETRA_TOKENS__SIGNING_SECRET=sealed("signing"),
        NETRA_DATABASE__URL=sealed("database"),
    )
    masked = {line for line in lines if line.startswith("::add-mask::")}
    assert set(lines[: len(masked)]) == masked
    assert masked == {
        "::add-mask::a 100%25 made-up secret,",
        "::add-mask::of two lines and enough length",
        f"::add-mask::{DATABASE}",
        "::add-mask::pass-word",
    }
    said = "\n".join(line for line in lines if line not in masked)
    assert code == 4, said  # the rest of the target is still not configured, and these two are
    assert "NETRA_TOKENS__SERVICE_KEY" in said
    assert "NETRA_TOKENS__SIGNING_SECRET" not in said
    assert "NETRA_DATABASE__URL" not in said


def test_outside_github_no_value_is_printed(environment: dict[str, str]) -> None:
    _, lines = enter(environment, NETRA_TOKENS__SIGNING_SECRET=sealed("signing"))
    assert "made-up" not in "\n".join(lines)


@pytest.mark.parametrize(
    "value, said",
    [
        (sealed("nobody-may"), ["403", "roles/secretmanager.secretAccessor"]),
        ("secret:netra-jwt", ["projects/P/secrets/S/versions/V"]),
    ],
)
def test_a_secret_that_can_not_be_had_is_named_without_its_value(
    environment: dict[str, str], value: str, said: list[str]
) -> None:
    code, lines = enter(environment, NETRA_TOKENS__SERVICE_KEY=value)
    assert code == 10
    assert lines[-1].startswith("VERDICT: INCONCLUSIVE exit_code=10 reason=NETRA_TOKENS__SERVICE_KEY")
    assert all(word in lines[-1] for word in said)
    assert "Traceback" not in "\n".join(lines)


def test_without_credentials_or_a_connection_it_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "account.json").write_text("{}")
    code, lines = enter(environment, NETRA_TOKENS__SERVICE_KEY=sealed("signing"))
    assert (code, "no credentials" in lines[-1], len(lines)) == (10, True, 1), lines


def test_a_secret_manager_that_is_not_there_is_named(environment: dict[str, str]) -> None:
    code, lines = enter(
        environment, NETRA_TOKENS__SERVICE_KEY=sealed("signing"), SECRET_MANAGER_URL="http://127.0.0.1:9"
    )
    assert (code, "can't be reached" in lines[-1]) == (10, True), lines
