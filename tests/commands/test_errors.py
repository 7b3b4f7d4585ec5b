"""`errors`: 5xx by route and by what the application wrote; no count comes before a refusal, no secret is repeated."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from commands.cli import main
from commands.errors import SOME, run
from probes.errors import SourceRefused
from targets.loading import ConfigurationError
from tests.probes.logs.test_export import entry, write

TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n{error}'
GROUP = (
    "  + Exception Group Traceback (most recent call last):\n  | ExceptionGroup: unhandled errors (1 sub-exception)\n"
    "  +-+---------------- 1 ----------------\n    | {}\n    +------------------------------------"
)


def failed(number: int, path: str = "/api/threads", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of an entry
    """A 500 of the request log, with a trace of its own."""
    request = {"requestUrl": f"https://x{path}", "status": 500, "latency": "0.1s"}
    return entry(number, 500) | {"httpRequest": request, "trace": f"projects/p/traces/{number}"} | more


def application_line(number: int, text: str) -> dict[str, Any]:
    """What the application wrote while it answered that request."""
    line = entry(1000 + number) | {"textPayload": text, "trace": f"projects/p/traces/{number}"}
    del line["httpRequest"]
    return line | {"logName": line["logName"].replace("requests", "stderr")}


FORMS: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "lines": lambda entries: "\n".join(map(json.dumps, entries)),
    "array": json.dumps,
}


@pytest.mark.parametrize("form", FORMS)
async def test_500s_of_one_route_are_told_apart_by_what_the_application_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    entries = [
        *(failed(number) for number in range(6)),
        *(application_line(number, TRACEBACK.format(error=f"KeyError: {number}")) for number in range(3)),
        *(
            application_line(number, TRACEBACK.format(error="sqlalchemy.exc.MissingGreenlet: no await"))
            for number in (3, 4)
        ),
        application_line(5, GROUP.format("ValueError: bad")),
        application_line(7, TRACEBACK.format(error="TypeError: of another request")),
    ]
    assert await run(write(tmp_path, FORMS[form](entries)), "", "") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("6 entries")
    assert [line.split(" on ")[0] + line.partition("Z: ")[2] for line in lines[1:]] == [
        "3 x 500KeyError: #)",
        "2 x 500sqlalchemy.exc.MissingGreenlet: no await)",
        "1 x 500ValueError: bad)",
    ]


async def test_a_span_of_time_is_in_order_and_a_path_stays_on_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = ["2025-09-07T15:00:01.900Z", "2025-09-07T15:00:01Z"]
    entries = [failed(number, "/a\n0 entries", timestamp=time) for number, time in enumerate(times)]
    await run(write(tmp_path, json.dumps(entries)), "", "")
    assert capsys.readouterr().out.splitlines()[1:] == [
        "2 x 500 on /a 0 entries (2025-09-07T15:00:01Z to 2025-09-07T15:00:01.900Z)"
    ]


async def test_what_is_not_listed_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"/{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(SOME + 2)]
    await run(write(tmp_path, json.dumps([failed(number, name) for number, name in enumerate(names)])), "", "")
    assert capsys.readouterr().out.splitlines()[-1] == "and 2 more, of 2 other kinds"


@pytest.mark.parametrize("text", ['{"hits": {"hits": []}}', "[]", json.dumps({"logs": [failed(1)]})])
async def test_no_count_comes_before_a_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SourceRefused):
        await run(write(tmp_path, text), "", "")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["nowhere.json", "", "."])
async def test_an_export_that_is_not_there_is_a_mistake_of_the_user(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"The export .* \(EXPORT=\) "):
        await run(str(tmp_path / name) if name else "", "", "")


@pytest.mark.parametrize(
    "words",
    [
        ("gate", "--nosuch=postgresql://netra:hunter2hunter2@db/netra"),
        ("gate", "--target", "export", "--rejudge", "https://h/?X-Goog-Signature=hunter2hunter2"),
        ("errors", "https://127.0.0.1:9/a/b.json?X-Amz-Security-Token=hunter2hunter2&sig=hunter2hunter2"),
        ("hunter2-of-the-environment",),
    ],
)
def test_what_a_user_typed_is_not_repeated_with_its_secrets(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2-of-the-environment")
    with suppress(SystemExit):
        main(words, "python -m commands")
    shown = capsys.readouterr()
    assert "redacted" in shown.err
    assert "hunter2" not in shown.out + shown.err


def test_what_a_user_typed_does_not_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(("gate", "--nosuch=\x1b[31m\nVERDICT: GO"), "python -m commands")
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert "VERDICT: GO" not in shown
