"""The share of faults that the reports put down to one cause, from the documents that `make prove` keeps."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from gate.document import with_causes
from gate.outcomes import Outcome
from gate.verdict_document import encode
from tests.gate.documents import make_document
from tests.prove.causes import main, read_kept, share


def keep(folder: Path, fault: str, *families: str) -> None:
    document = make_document(folder / "runs", {f"{family}.check": Outcome.FAILED for family in families})
    rows = [replace(row, actual=f"{row.family} answered in words of its own") for row in document.checks]
    (folder / f"{fault}.json").write_bytes(encode(with_causes(replace(document, checks=rows))))


def test_the_share_counts_faults_of_one_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path, "health.lies", "health")
    keep(tmp_path, "auth.two-things", "auth", "logs")
    keep(tmp_path, "healthy-smoke", "health")
    assert [fault.fault for fault in read_kept(tmp_path)] == ["auth.two-things", "health.lies"]
    assert share(read_kept(tmp_path)) == 0.5
    assert main([str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "auth.two-things: 2 causes" in printed
    assert "1 of 2 faults are one cause: 50.0%" in printed


def test_no_documents_are_no_success(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 1
