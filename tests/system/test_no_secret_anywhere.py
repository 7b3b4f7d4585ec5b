"""The real suite with a canary for every credential, as loud as it gets: whole, killed, aborted, out of disk.

Nothing on disk or on the terminal holds one of them, in any spelling that redaction knows. The twin has the faults of
the report, so that tracebacks, locals, evidence and server lines are written for many cases.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gate.redaction import Redactor
from probes.secret import Secret
from targets.credentials import secrets_of_environment
from targets.loading import load_target
from tests.system.running import LONG_S, ROOT, clean_environment, twin_up
from tests.system.waiting import HANGS_S

LOUD = ("-vv", "--showlocals", "-s", "--log-cli-level=DEBUG", "--quick")
CANARIES = {
    "TOKEN": "canary-of-a-token-handed-over",
    "NETRA_EVIDENCE_KEY": "canary-of-the-evidence-key",
    "NETRA_PROMETHEUS__ACCESS_TOKEN": "canary-of-prometheus",
    "NETRA_BACKEND__HEADERS": '{"X-Front-Key": "canary-of-what-stands-in-front"}',
    "PGPASSWORD": "canary-of-libpq",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20canary-of-the-collector",
    "GITHUB_TOKEN": "canary-of-the-job",
    "HTTPS_PROXY": "http://me:canary-of-the-proxy@proxy.invalid:3128",
    "NO_PROXY": "127.0.0.1,localhost",
}
READABLE = 30_000_000  # characters: 336 cases, most of which fail, with their locals
ENOUGH = 25  # results of cases, of which some failed
SMALL = "1m"  # of a disk: the reports of a whole run are several times as large
MOUNTING = ("unshare", "--map-root-user", "--mount")
pytestmark = pytest.mark.slow


def can_mount() -> bool:
    """Whether a process may have file systems of its own here."""
    words = [*MOUNTING, "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return (
        shutil.which("unshare") is not None and subprocess.run(words, check=False, capture_output=True).returncode == 0
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """Where runs happen: the environment with the canaries in it, and a redactor that knows them all."""

    folder: Path
    env: dict[str, str]
    redactor: Redactor

    @contextmanager
    def run(self, name: str, *before: str) -> Iterator[subprocess.Popen[bytes]]:
        """The suite with a folder of its own for reports and temporary files, and what it says in a file beside it."""
        place = self.folder / name
        (place / "tmp").mkdir(parents=True, exist_ok=True)
        words = (sys.executable, "-m", "gate.session", "-c", "pytest.ini", "--target=local", *LOUD)
        with self.terminal(name).open("wb") as terminal:
            process = subprocess.Popen(
                [*before, *words, f"--report-dir={place / 'reports'}"],
                cwd=ROOT,
                env=self.env | {"TMPDIR": str(place / "tmp")},
                stdout=terminal,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def terminal(self, name: str) -> Path:
        """The file that is the run's terminal."""
        return self.folder / f"{name}.terminal"

    def said(self, name: str) -> str:
        """All that a run said."""
        return self.terminal(name).read_text(encoding="utf-8", errors="replace")

    def leaking(self, name: str) -> list[str]:
        """Every file of a run, its terminal among them, in which a canary stands."""
        files = [path for path in (self.folder / name).rglob("*") if path.is_file() and not path.is_symlink()]
        texts = {path.name: path.read_bytes().decode("utf-8", "replace") for path in [*files, self.terminal(name)]}
        return [name for name, text in texts.items() if self.redactor.leaks(text)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("canaries")
    with twin_up(tmp_path_factory.mktemp("twin"), "--state", "as-reported") as _, pytest.MonkeyPatch.context() as patch:
        addresses = next(tmp_path_factory.getbasetemp().glob("twin*/addresses.json"))
        given = {**CANARIES, "NETRA_ADDRESSES": str(addresses)}
        for key, value in given.items():
            patch.setenv(key, value)
        secrets = (*load_target("local").secrets, *secrets_of_environment(os.environ))
        canaries = [Secret(f"canary-of-{one}") for one in ("the-collector", "what-stands-in-front", "the-proxy")]
        yield Stage(folder, {**clean_environment(), **given}, Redactor([*secrets, *canaries]))


def last_line(output: str) -> str:
    return output.rstrip().rpartition("\n")[2]


def test_a_whole_run_shows_none(stage: Stage) -> None:
    with stage.run("whole") as process:
        code = process.wait(timeout=LONG_S)
    output = stage.said("whole")
    assert code in {1, 2}, output[-2000:]  # 2: the machine was too busy to take everything down in time
    assert last_line(output).startswith("VERDICT: NO-GO")
    assert "******" in output, "locals were shown"
    assert len(output) < READABLE, "objects of the whole run stand in the locals of each failure"
    assert stage.redactor.leaks(f"x{CANARIES['TOKEN']}x"), "what is looked for would be found"
    assert len(list((stage.folder / "whole").rglob("allure-results/*-result.json"))) > ENOUGH
    assert stage.leaking("whole") == []
    assert not list((stage.folder / "whole").rglob("redacted.json")), "nothing had to be taken out of a file afterwards"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_a_run_that_is_ended_in_the_middle_leaves_none(stage: Stage, number: signal.Signals) -> None:
    name = number.name
    with stage.run(name) as process:
        _until_in_the_middle(stage.folder / name, process)
        process.send_signal(number)
        assert process.wait(timeout=HANGS_S) == -number
    assert stage.leaking(name) == []
    assert not [*ROOT.glob("core*"), *(stage.folder / name).rglob("core*")]


def _until_in_the_middle(place: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + LONG_S
    while len(list(place.rglob("allure-results/*-result.json"))) < ENOUGH:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.2)


ON_A_SMALL_DISK = """
mount -t tmpfs -o size=$SIZE tmpfs "$DISK" && mkdir "$DISK/tmp" || exit 99
"$@"; code=$?
df "$DISK"; cp -a "$DISK/." "$KEPT/"; exit $code
"""


@pytest.mark.skipif(
    not can_mount(), reason="no mount namespace here: RLIMIT_FSIZE stands for a full disk in tests/gate/session"
)
def test_a_run_on_a_full_disk_is_no_verdict_of_ours_and_leaves_none(stage: Stage) -> None:
    """A disk of 1 MB, mounted for this run alone; what is left on it is copied out before it goes."""
    small, kept = stage.folder / "disk", stage.folder / "disk-kept"
    small.mkdir()
    kept.mkdir()
    about = (f"SIZE={SMALL}", f"DISK={small}", f"KEPT={kept}")
    with stage.run("disk", "env", *about, *MOUNTING, "sh", "-c", ON_A_SMALL_DISK, "sh") as process:
        code = process.wait(timeout=LONG_S)
    said, _, disk = stage.said("disk").rstrip().rpartition("Filesystem")
    assert "100%" in disk, disk
    assert code == 3, said[-2000:]
    assert last_line(said).startswith("VERDICT: "), said[-2000:]
    assert "VERDICT: GO" not in said
    assert any(kept.rglob("*-result.json"))
    stage.terminal("disk").replace(stage.terminal("disk-kept"))
    assert stage.leaking("disk-kept") == []
