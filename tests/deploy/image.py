"""The container's image without a container engine: what its Dockerfile copies and installs, laid out in a folder."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.system.running import LONG_S, ROOT, clean_environment

DOCKERFILE = ROOT / "deploy/container/Dockerfile"
NOBODY = 10001
PYTHONS = (Path(sys.base_prefix) / "bin/python3", Path("/usr/bin/python3"))
RECENT = "import sys, venv; sys.exit(sys.version_info < (3, 11))"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (word, rest), comments dropped, continued lines joined."""
    lines = [line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines()) if word]


def copied() -> list[tuple[tuple[str, ...], str]]:
    """What the last stage takes from the project: (sources, destination)."""
    last = max(index for index, (word, _) in enumerate(instructions()) if word == "FROM")
    words = [rest.split() for word, rest in instructions()[last:] if word == "COPY" and "--from=" not in rest]
    return [(tuple(one[:-1]), one[-1]) for one in words]


def last_line(log: str) -> str:
    """What the container said last."""
    return log.strip().splitlines()[-1]


@dataclass(frozen=True, slots=True)
class Image:
    """The image's `/app` and `/venv` in a folder, started as its unprivileged user where we are root."""

    folder: Path
    user: int | None

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Start the entry point as the container would; its exit code and its log."""
        done = subprocess.run(
            self.words(*arguments),
            cwd="/",
            env=self.environment(env),
            text=True,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONG_S,
            check=False,
        )
        return done.returncode, done.stdout

    def words(self, *arguments: str) -> Sequence[str]:
        """The command line of ENTRYPOINT."""
        return (str(self.folder / "venv/bin/python"), str(self.folder / "app/entrypoint.py"), *arguments)

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The image's own environment, and what is given on top."""
        own = {"HOME": str(self.folder / "tmp"), "REPORTS": str(self.folder / "tmp/reports"), "LANG": "C.UTF-8"}
        return {**own, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin", **(more or {})}


def build(folder: Path) -> Image:
    """Do in `folder` what the Dockerfile says, word by word; the folder is made readable for everybody.

    The wheel of its build stage is built from this checkout.
    """
    folder.chmod(0o755)
    user = NOBODY if os.geteuid() == 0 else None
    app = folder / "app"
    for sources, destination in copied():
        for source in sources:
            target = app / destination / Path(source).name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / source, target)
    build_wheel(folder / "build")
    shutil.copy2(ROOT / "requirements-suite-extras.lock", folder / "build")
    _install(folder, _python(user))
    scratch = folder / "tmp"
    scratch.mkdir(mode=0o777)
    scratch.chmod(0o777)
    return Image(folder, user)


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, built into the folder."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONG_S)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def _install(folder: Path, python: Path) -> None:
    """The Dockerfile's own RUN, its absolute paths moved into the folder; pip comes from our own environment."""
    command = next(rest for word, rest in instructions() if word == "RUN")
    command = re.sub(r"(?<=[\s])/(venv|build)", f"{folder}/\\1", command)
    command = command.replace("python -m venv", f"{python} -m venv").replace(
        "python -m pip", f"{sys.executable} -m pip"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env=clean_environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LONG_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def _python(user: int | None) -> Path:
    """An interpreter that the container's user can start here; the one we run on may lie in a closed home."""
    for path in PYTHONS:
        if path.is_file():
            try:
                tried = subprocess.run(
                    [path, "-c", RECENT],
                    cwd="/",
                    user=user,
                    group=user,
                    extra_groups=None if user is None else [],
                    capture_output=True,
                    check=False,
                    timeout=30,
                )
            except PermissionError:
                continue
            if tried.returncode == 0:
                return path
    raise AssertionError(f"no Python 3.11 or newer that user {user} can start among {', '.join(map(str, PYTHONS))}")
