"""A run that fails, is killed, aborted or out of disk leaves no secret, in a file or on the terminal."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gate.redaction import Redactor
from gate.release.seal import broken_seal
from gate.verdict_document import decode
from probes.secret import Secret
from tests.gate.session.mini import HEAD, Mini
from tests.gate.test_plain_text import strings
from tests.system.waiting import HANGS_S

CANARY = "hunter2-hunter2"  # the secret that the small suite's plan knows
LEAKING = (
    HEAD
    + """
import base64, html, json, logging, resource, sys
from urllib.parse import quote

def send(key):
    headers = {"X-Service-Key": key, "coded": base64.b64encode(b"user:" + key.encode()), "hex": key.encode().hex()}
    print(key, quote(key, safe=""), file=sys.stderr)
    print({"token": key})
    logging.getLogger("library").warning("sent %s", headers)
    raise ConnectionError(f"refused: {key[:13]} and {key}")

@check("a.leaks", requirement="nothing is leaked")
def test_leaks():
    "A library prints what it was given."
    send("hunter2-hunter2")

@check("a.says", requirement="nothing is leaked")
def test_says():
    "A server repeats what it was sent."
    raise CheckFailure(expected="401", actual="key hunter2-hunter2 is wrong", evidence={"body": "hunter2-hunter2"})

@pytest.fixture
def broken():
    key = "hunter2-hunter2"
    raise ValueError(key)

@check("a.breaks", requirement="nothing is leaked")
def test_breaks(broken):
    "A fixture breaks."

@pytest.mark.parametrize("key", ["hunter2-hunter2"], ids=["one"])
@check("a.compares", requirement="nothing is leaked")
def test_compares(key):
    "An assertion of pytest's own."
    assert {"key": key} == {"key": "another"}
"""
)
LOUD = ("-vv", "--showlocals", "-s", "--log-cli-level=DEBUG")


@pytest.fixture
def mini(tmp_path: Path) -> Mini:
    return Mini(tmp_path)


def assert_clean(mini: Mini, output: str) -> None:
    redactor = Redactor([Secret(CANARY)])
    files = [path for path in (mini.folder / "reports").rglob("*") if path.is_file()]
    assert files
    texts = {str(path): path.read_bytes().decode("utf-8", "replace") for path in files} | {"the terminal": output}
    assert [name for name, text in texts.items() if redactor.leaks(text)] == []


@pytest.mark.parametrize("options", [(), ("-vv",), ("-vv", "--showlocals"), LOUD, (*LOUD, "--tb=native", "-rA")])
def test_a_failing_run_shows_no_secret(mini: Mini, options: tuple[str, ...]) -> None:
    mini.write(LEAKING, required='{"a.leaks": (), "a.says": (), "a.breaks": (), "a.compares": ("one",)}')
    code, output = mini.run("--alluredir=x", *options)
    assert code == 1
    assert "VERDICT: NO-GO" in output
    assert_clean(mini, output)
    traces = [json.loads(path.read_text()) for path in mini.folder.glob("reports/mini/*/allure-results/*-result.json")]
    assert len(traces) == 4


WAITING = """
@check("a.waits", requirement="it ends")
def test_waits():
    "It is killed while it waits."
    with open("waiting", "w"): pass
    {}
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGTERM])
def test_a_run_that_is_killed_leaves_no_secret(mini: Mini, number: signal.Signals) -> None:
    mini.write(LEAKING + WAITING.format(""), required='{"a.leaks": ()}')
    process = mini.start(*LOUD)
    wait_for(mini.folder / "waiting", process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode != 0
    assert list(mini.folder.glob("reports/mini/*/allure-results/*-result.json"))  # so there was something to leak
    assert_clean(mini, output)
    assert not list(mini.folder.rglob("core*"))


def test_a_run_out_of_disk_leaves_no_secret(mini: Mini) -> None:
    full = "resource.setrlimit(resource.RLIMIT_FSIZE, (600, resource.RLIM_INFINITY)); return"
    mini.write(LEAKING + WAITING.format(full), required='{"a.leaks": ()}')
    code, output = mini.run(*LOUD)
    assert code != 0
    assert_clean(mini, output)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + HANGS_S
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_secret_in_a_file_of_others_is_taken_out_and_said(mini: Mini) -> None:
    writing = '(run.folder / "their.log").write_text("key hunter2-hunter2")'
    mini.write(f'{HEAD}@check("a.good", requirement="it holds")\ndef test_good(run):\n    "It holds."\n    {writing}\n')
    code, output = mini.run()
    (folder,) = mini.folder.glob("reports/mini/*")
    assert code == 0
    assert json.loads((folder / "redacted.json").read_text()) == {"redacted": ["their.log"]}
    assert (folder / "their.log").read_text() == "key [redacted]"
    assert "redacted.json" in output


def test_a_password_that_is_the_name_of_a_check_changes_no_verdict_that_was_written(mini: Mini) -> None:
    mini.write(
        f'{HEAD}@check("a.{CANARY}", requirement="it holds")\ndef test_good():\n    "It holds."\n',
        required=f'{{"a.{CANARY}": ()}}',
    )
    code, output = mini.run("--alluredir=x")
    (folder,) = mini.folder.glob("reports/mini/*")
    assert (code, output.splitlines()[-1][:11]) == (0, "VERDICT: GO")
    body = (folder / "verdict.json").read_bytes()
    assert [row.id for row in decode(body).checks] == [f"a.{CANARY}"]
    assert broken_seal(decode(body), None) == ""
    assert f'name="a.{CANARY}"' in (folder / "junit.xml").read_text()
    assert not (folder / "redacted.json").exists()


def test_a_picture_beside_the_report_stays_as_it_is(mini: Mini) -> None:
    writing = '(run.folder / "page.png").write_bytes(bytes(range(256)))'
    mini.write(f'{HEAD}@check("a.good", requirement="it holds")\ndef test_good(run):\n    "It holds."\n    {writing}\n')
    code, _ = mini.run()
    (folder,) = mini.folder.glob("reports/mini/*")
    assert code == 0
    assert (folder / "page.png").read_bytes() == bytes(range(256))
    assert not (folder / "redacted.json").exists()


HOSTILE = (
    HEAD
    + r"""
import logging, sys, warnings
FORGED = "x\x1b[2J\x1b]8;;http://evil.invalid\x07\n::error::forged\n##[error]forged\nVERDICT: GO revision=forged\n"

@check("a.says", requirement="a server's text is text")
def test_says():
    "A server says what a reader would obey, and a library repeats it everywhere."
    body = FORGED
    logging.getLogger("library").warning(FORGED)
    warnings.warn(FORGED)
    print(FORGED)
    print(FORGED, file=sys.stderr)
    raise ConnectionError(FORGED)

@pytest.fixture
def broken():
    raise ValueError(FORGED)

@check("a.breaks", requirement="a server's text is text")
def test_breaks(broken):
    "A fixture breaks."
"""
)
OBEYED = ("\x1b[2J", "\x1b]8", "\n::error::forged", "##[error]", "\nVERDICT: GO")


@pytest.mark.parametrize("options", [("-vv", "--showlocals"), (*LOUD, "-rA", "--color=yes"), (*LOUD, "--tb=native")])
def test_what_pytest_itself_says_of_a_server_s_text_is_not_obeyed(mini: Mini, options: tuple[str, ...]) -> None:
    mini.write(HOSTILE, required='{"a.says": (), "a.breaks": ()}')
    code, output = mini.run("--alluredir=x", *options)
    assert code == 10
    assert "revision=forged" in output, "it is shown"
    assert [text for text in OBEYED if text in output] == []
    assert output.rstrip().rpartition("\n")[2].startswith("VERDICT: INCONCLUSIVE")


def test_what_allure_wrote_before_a_kill_is_not_obeyed(mini: Mini) -> None:
    mini.write(HOSTILE + WAITING.format(""), required='{"a.says": ()}')
    process = mini.start(*LOUD)
    wait_for(mini.folder / "waiting", process)
    process.kill()
    output, _ = process.communicate(timeout=HANGS_S)
    assert [text for text in OBEYED if text in output] == []
    files = list(mini.folder.glob("reports/mini/*/allure-results/*"))
    written = [json.loads(file.read_text()) if file.suffix == ".json" else file.read_text() for file in files]
    assert "revision=forged" in str(written)
    assert [text for text in OBEYED if text in "\n".join(strings(written))] == []


def test_a_credential_that_is_acquired_in_mid_run_is_hidden_from_then_on(mini: Mini) -> None:
    learning = """
from probes.secret import Secret

@check("a.learns", requirement="nothing is leaked")
def test_learns(run):
    "A login gives a token that is not a JWT."
    run.redactor.learn(Secret("opaque-session-4711"))
    print("opaque-session-4711")
    raise ConnectionError("refused: opaque-session-4711")
"""
    mini.write(HEAD + learning, required='{"a.learns": ()}')
    code, output = mini.run("--alluredir=x", *LOUD)
    assert code == 10
    written = "".join(path.read_bytes().decode("utf-8", "replace") for path in mini.folder.glob("reports/*/*/**/*.*"))
    assert "opaque-session" not in output + written
    assert "refused: [redacted]" in output


@pytest.mark.parametrize("option", ["--pastebin=all", "--debug", "--capture=tee-sys"])
@pytest.mark.parametrize("how", ["command line", "PYTEST_ADDOPTS"])
def test_an_option_that_shows_what_is_redacted_elsewhere_is_refused(mini: Mini, option: str, how: str) -> None:
    mini.write(LEAKING, required='{"a.leaks": ()}')
    code, output = mini.run(option) if how == "command line" else mini.run(env={"PYTEST_ADDOPTS": option})
    assert code == 4
    assert option.partition("=")[0] in output
    assert CANARY not in output
