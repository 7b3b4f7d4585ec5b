"""Run `python -m pytest` again and again, each time in a forked process that has its libraries already.

Started as a script by `tests.proof.warm_runs`. Reads a JSON object a line (`words`, `environment`, `tree`, `output`),
and answers each with two lines: its process id, and its exit code when it has ended. Half of what a short run costs is
the import of libraries. Nothing of the project is imported ahead, so that every run reads its tree as it is then.
"""

import gc
import importlib
import json
import os
import runpy
import sys
from typing import Any

# What the suite imports; what is missing here costs time and nothing else. pytest rewrites no assertion in a run of the
# suite (pytest.ini), so it does not matter to it which libraries are there before it.
AHEAD = (
    "_pytest.doctest",
    "_pytest.junitxml",
    "_pytest.python",
    "allure_commons.lifecycle",
    "allure_commons.logger",
    "asyncpg",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.x509",
    "fsspec",
    "jinja2",
    "jsonschema",
    "jwt",
    "msgspec",
    "prometheus_client.parser",
    "psutil",
    "pydantic_settings",
    "pytest",
    "python_socks.async_.asyncio",
    "rich.console",
    "rich.live",
    "rich.progress",
    "rich.table",
    "schemathesis.specs.openapi.schemas",
    "tenacity",
    "websockets.asyncio.client",
)


def main() -> None:
    """Fork one run for each line of standard input, until it ends."""
    for name in AHEAD:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a fork's collector need not look at what all of them share
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        process = os.fork()
        if process == 0:
            _run(asked)
        _say(process)
        _say(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(asked: dict[str, Any]) -> None:
    """Become `python -m pytest` in the run's tree. Ends the process."""
    output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for taken, number in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(taken, number)
    os.chdir(asked["tree"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.path.insert(0, asked["tree"])  # -P put nothing there
    sys.argv = ["pytest", *asked["words"]]
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    sys.exit("pytest's command did not end its process")


if __name__ == "__main__":
    main()
