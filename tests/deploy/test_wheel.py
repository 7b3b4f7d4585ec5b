"""The wheel: built from this checkout, it runs in an empty folder with the exit codes of the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deploy.image import build_wheel
from tests.system.running import LONG_S, ROOT, clean_environment

ROOMS = {"commands", "fixtures", "gate", "probes", "suites", "targets"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, as an installer lays them out."""
    folder = tmp_path_factory.mktemp("site-packages")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def run(installed: Path, folder: Path, *arguments: str, **more: str) -> tuple[int, str]:
    """`netra-verify ...` in a folder that is not a checkout."""
    done = subprocess.run(
        [sys.executable, "-m", "netra_verify", *arguments],
        cwd=folder,
        text=True,
        check=False,
        timeout=LONG_S,
        env=clean_environment() | {"PYTHONPATH": str(installed), "HOME": "/nonexistent"} | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


def test_site_packages_gets_one_name_and_all_of_the_suite(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {one.partition("/")[0] for one in names}
    assert {one for one in tops if not one.endswith(".dist-info")} == {"netra_verify"}
    tree = {one.split("/")[2] for one in names if one.startswith("netra_verify/tree/")}
    assert tree == {*ROOMS, "conftest.py", "pytest.ini", "deploy"}
    assert not [one for one in names if "__pycache__" in one or "/twin/" in one or "/tests/" in one]
    for suffix in (".toml", ".json", ".j2", ".css", ".js", ".html", ".ini"):
        there = {str(one.relative_to(ROOT)) for room in ROOMS for one in (ROOT / room).rglob(f"*{suffix}")}
        assert {f"netra_verify/tree/{one}" for one in there} <= {*names}


@pytest.mark.parametrize("option", ["--target", "--report-dir", "--check"])
def test_an_option_without_its_value_is_named(installed: Path, tmp_path: Path, option: str) -> None:
    code, output = run(installed, tmp_path, "run", option)
    assert code == 4, output
    assert f"argument {option}: expected one argument" in output


@pytest.mark.parametrize("variable", ["PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTHONOPTIMIZE"])
def test_plugins_that_load_by_name_alone_and_no_assertions_are_enough(
    installed: Path, tmp_path: Path, variable: str
) -> None:
    export = tmp_path / "export.json"
    export.write_text("no log", encoding="utf-8")
    code, output = run(installed, tmp_path, "run", "--target=export", f"--log-export={export}", **{variable: "1"})
    assert code == 10, output
    assert "logs.zero-500" in output


def test_an_unconfigured_target_is_the_same_usage_error(installed: Path, tmp_path: Path) -> None:
    code, output = run(installed, tmp_path, "run", "--target", "staging")
    assert code == 4
    assert "NETRA_TOKENS__SIGNING_SECRET" in output
    assert output.strip().splitlines()[-1].startswith("VERDICT: INCONCLUSIVE")
    assert "Traceback" not in output


def test_the_folders_own_targets_are_found(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets/ours.toml").write_text((ROOT / "targets/staging.toml").read_text(encoding="utf-8"))
    code, output = run(installed, tmp_path, "run", "--target", "ours")
    assert code == 4
    assert "Target 'ours' is not configured" in output
    code, output = run(installed, tmp_path, "gate", "--target", "ours")
    assert code == 10, output


@pytest.mark.parametrize("arguments,code", [((), 4), (("--help",), 0), (("--version",), 0), (("verify",), 4)])
def test_what_is_typed_wrong_is_answered_with_the_commands(
    installed: Path, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    got, output = run(installed, tmp_path, *arguments)
    assert got == code
    assert "netra-verify" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "words,code,usage",
    [
        (("init", "--name=x", "--backend=https://user:word@h"), 4, "BACKEND has a user or a password before its host"),
        (("init", "--name=x", "--backend=user:word@h/?"), 4, "BACKEND must begin with http:// or https://."),
        (("init", "--name=profiles", "--backend=http://h"), 4, "NAME ('profiles') is taken by a file of the suite's"),
        (("init", "--name=a/b", "--backend=http://h"), 4, "NAME ('a/b') must be a name, not a path"),
        (("init",), 4, "usage: netra-verify init "),
        (("init", "--help"), 0, "usage: netra-verify init "),
        (("history",), 4, "usage: netra-verify history "),
        (("reap", "--help"), 0, "usage: netra-verify reap "),
        (("run", "--no-such-option"), 4, "netra-verify run: error: "),
    ],
)
def test_the_usage_is_the_one_that_was_typed_and_nothing_is_written(
    installed: Path, tmp_path: Path, words: tuple[str, ...], code: int, usage: str
) -> None:
    got, output = run(installed, tmp_path, *words)
    assert (got, usage in output) == (code, True), output
    assert "python -m commands" not in output
    assert "pytest.main" not in output
    assert not (tmp_path / "targets").exists()


def test_a_run_without_a_target_asks_for_one(installed: Path, tmp_path: Path) -> None:
    code, output = run(installed, tmp_path, "run")
    assert code == 4, output
    assert "An installed suite has no twin: name your target with --target." in output


def test_a_pytest_beside_it_can_import_the_gate_and_is_otherwise_left_alone(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "test_ours.py").write_text("from gate.check import check\n\ndef test_it():\n    assert check\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "test_ours.py"],
        cwd=tmp_path,
        env=clean_environment() | {"PYTHONPATH": str(installed)},
        text=True,
        check=False,
        timeout=LONG_S,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    assert "VERDICT" not in done.stdout
