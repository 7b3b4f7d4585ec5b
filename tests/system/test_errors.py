"""`make errors`: the 5xx of an export by route and signature, in a second, and a clear word where there is none."""

import json
from pathlib import Path

import pytest

from commands.cli import REFUSED, USAGE, main
from tests.probes.logs.test_export import REAL, SHARED, entry


def test_the_5xx_of_an_export_are_put_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "export.ndjson"
    path.write_text("\n".join(json.dumps(entry(number, 500 if number % 5 == 0 else 200)) for number in range(1, 41)))
    assert main(["errors", str(path)]) == 0
    said = capsys.readouterr().out
    assert "8 entries of the request log" in said
    assert "8 x 500 on /ws" in said
    assert (
        main(["errors", str(path), "--service", "another"]) == REFUSED
    )  # a count of zero needs a file that holds such entries
    assert "has nothing about another; it is about" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_a_usage_error_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["errors", "/nowhere.json"]) == USAGE
    assert "'/nowhere.json' (EXPORT=) can't be read" in capsys.readouterr().err


@REAL
def test_the_september_export_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["errors", str(SHARED / "2025-09-07-websocket-500s.json")]) == 0
    assert "3 x 500 on /ws" in capsys.readouterr().out
