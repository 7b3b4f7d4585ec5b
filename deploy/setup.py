"""Install a hashed lock into this environment: with uv, which the development lock pins; with pip if that fails.

Usage: `python deploy/setup.py requirements-suite.lock`. Uses only the standard library, since nothing is installed yet.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PINS_UV = Path(__file__).parents[1] / "requirements.lock"
PIP = (
    sys.executable,
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--require-hashes",
    "--no-deps",
)
UV = ("pip", "install", "--quiet", "--python", sys.executable, "--require-hashes", "--no-deps")
NOISE = re.compile(r"^WARNING: Location .* is ignored")  # one line for each package and each extra location


def pinned(lock: str, package: str) -> str:
    """The lock's entry of one package, including hashes; empty if it has none."""
    found = re.search(rf"^{re.escape(package)}==.*(\n    --hash=.*)+", lock, re.MULTILINE)
    return found[0] if found else ""


def run(*command: str) -> int:
    """Run an installer; its output is passed on without pip's lines about index locations."""
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - fixed arguments
    sys.stderr.writelines(line for line in done.stderr.splitlines(keepends=True) if not NOISE.match(line))
    return done.returncode


def main(lock: Path) -> int:
    """Install the lock; the exit code is the installer's."""
    entry = pinned(PINS_UV.read_text(encoding="utf-8"), "uv") if PINS_UV.is_file() else ""
    with tempfile.TemporaryDirectory() as folder:  # uv is half as large as the suite, and only needed once
        only_uv, place = Path(folder) / "uv.txt", Path(folder) / "uv"
        only_uv.write_text(entry, encoding="utf-8")
        if entry and run(*PIP, "--target", str(place), "-r", str(only_uv)) == 0:
            uv = place / "bin" / "uv"
            if uv.is_file() and run(str(uv), *UV, "-r", str(lock)) == 0:
                return 0
    return run(*PIP, "-r", str(lock))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
