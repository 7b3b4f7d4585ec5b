"""A command that needs what is not installed says which extra it is: exit code 4, and no traceback."""

import tomllib
from pathlib import Path

import pytest

from gate.extras import EXTRA_OF, what_is_missing
from tests.system.running import ROOT, run

IMPORTED_AS = {"opentelemetry-exporter-otlp-proto-http": "opentelemetry", "opentelemetry-sdk": "opentelemetry"}
PROGRAMS = {"squawk-cli"}  # started, not imported


def test_every_extra_that_is_imported_is_known() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {
        IMPORTED_AS.get(name, name): extra
        for extra, packages in project["optional-dependencies"].items()
        for name in (package.partition(">")[0].partition("[")[0] for package in packages)
        if name not in PROGRAMS
    }
    assert extras == EXTRA_OF


@pytest.mark.parametrize("name", ["asyncpg", "", None])
def test_what_is_no_extra_is_a_crash(name: str | None) -> None:
    assert what_is_missing(ImportError("no", name=name)) == ""


@pytest.mark.parametrize("missing", ["pglast", "sqlalchemy"])
def test_preflight_without_its_extra_says_how_to_install_it(tmp_path: Path, missing: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{missing!r}] = None\n")
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    words = (
        "preflight",
        "--alembic",
        str(ROOT / "twin/backend/migrations"),
        "--database",
        "postgresql://a@127.0.0.1:1/a",
    )
    code, output = run("commands", *words, env=environment)
    assert code == 4, output
    assert f"{missing} is not installed. It is an extra" in output
    assert "pip install 'netra-verify[preflight]'" in output
    assert "Traceback" not in output
