"""The container as `docker run --read-only --tmpfs /tmp --cap-drop=ALL` runs it: own mounts, and no capability."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.image import NOBODY, Image, last_line
from tests.system.running import LONG_S

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv"))),
        reason="mounts of one's own take root, unshare and setpriv",
    ),
]
# In a mount namespace: everything there is becomes read-only, and an empty folder is laid over what may be written.
SEALED = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=1777 tmpfs "$SCRATCH"
for place in $(awk '{print $2}' /proc/self/mounts | grep -vx "$SCRATCH" | grep -v '^/proc\\|^/sys\\|^/dev'); do
    mount -o remount,bind,ro "$place" 2>/dev/null || true
done
exec setpriv --reuid=$UNPRIVILEGED --regid=$UNPRIVILEGED --clear-groups --bounding-set=-all --inh-caps=-all \\
    --no-new-privs "$@"
"""


def sealed(image: Image, words: list[str], env: dict[str, str]) -> tuple[int, str]:
    scratch = str(image.folder / "tmp")
    own = ["/usr/bin/env", "unshare", "--mount", "/bin/sh", "-c", SEALED, "sealed"]
    done = subprocess.run(
        [*own, *words], cwd="/", text=True, check=False,
        env={**image.environment(env), "SCRATCH": scratch, "UNPRIVILEGED": str(NOBODY), "TMPDIR": scratch},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONG_S,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_nothing_but_the_scratch_folder_can_be_written_there(image: Image, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    tried = (
        "import os, pathlib, sys\n"
        "for place in sys.argv[1:]:\n"
        "    try:\n"
        "        pathlib.Path(place, 'written').touch()\n"
        "        print('written', place)\n"
        "    except OSError as error:\n"
        "        print(error.strerror, place)\n"
        "print(os.geteuid(), [line for line in open('/proc/self/status') if line.startswith('CapBnd')][0].split()[1])"
    )
    places = [str(image.folder / one) for one in ("app", "venv", "tmp")]
    python = str(image.folder / "venv/bin/python")
    elsewhere = "/var/tmp"  # noqa: S108 - a folder that is open to everybody
    code, said = sealed(image, [python, "-c", tried, str(image.folder), *places, elsewhere], {})
    assert code == 0, said
    *lines, who = said.splitlines()
    assert who == f"{NOBODY} 0000000000000000"
    assert [line for line in lines if line.startswith("written")] == [f"written {image.folder / 'tmp'}"]
    assert lines[-1] == f"Read-only file system {elsewhere}"


def test_a_whole_smoke_is_go_there(image: Image, twin: dict[str, Any], targets: str) -> None:
    words = [*image.words("--target=local", f"--targets-dir={targets}", "--quick")]
    code, log = sealed(image, words, twin["addresses"])
    assert (code, last_line(log).startswith("VERDICT: GO target=local phase=smoke ")) == (0, True), log
