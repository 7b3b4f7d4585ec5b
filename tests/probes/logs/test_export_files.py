"""Where an export is: a user's mistake is known before anything is read, and no file system's own error crashes us."""

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from probes.errors import SourceRefused
from probes.logs.export import ExportFile
from probes.logs.export_files import why_not_there
from probes.logs.export_formats import iterate_objects, open_export
from probes.logs.incidents import Incidents

MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda _path: None, "can't be read (No such file or directory)"),
    "folder": (Path.mkdir, "is a folder: name the exported file in it"),
    "pipe": (os.mkfifo, "is a pipe or a device"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a pipe or a device"),
    "loop": (lambda path: path.symlink_to(path.name), "can't be read (Too many levels of symbolic links)"),
}


@pytest.mark.parametrize("scheme", ["", "file://"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_no_file_is_refused_by_name(mistake: str, scheme: str, tmp_path: Path) -> None:
    make, said = MISTAKES[mistake]
    make(tmp_path / "export.json")
    assert why_not_there(f"{scheme}{tmp_path / 'export.json'}").startswith(said)


def test_a_file_and_a_store_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text("[]", encoding="utf-8")
    assert not why_not_there(str(tmp_path / "export.json"))
    assert not why_not_there("gs://bucket/export.json")
    assert not why_not_there("zip://export.json::gs://bucket/exports.zip")
    assert why_not_there("gcs//bucket/export.json").startswith("can't be read")
    assert why_not_there("no-such-scheme://bucket").startswith("has an unknown scheme, 'no-such-scheme'")
    assert why_not_there("").startswith("is empty")


class _Broken:
    """A file of a store whose library has errors of its own, at its beginning or later."""

    def __init__(self, good: bytes) -> None:
        self._good = good

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def read(self, _size: int) -> bytes:
        good, self._good = self._good, b""
        if good:
            return good
        raise LookupError("the payload is not complete")


@pytest.mark.parametrize("good", [b"", b'[{"insertId": "a"}, '], ids=["at once", "later"])
def test_an_error_of_a_stores_own_library_is_a_refusal(monkeypatch: pytest.MonkeyPatch, good: bytes) -> None:
    monkeypatch.setattr(MemoryFileSystem, "open", lambda *_args, **_more: _Broken(good))
    with (
        pytest.raises(SourceRefused, match="LookupError: the payload is not complete"),
        open_export("memory://x") as it,
    ):
        list(iterate_objects(it))


def test_an_archive_that_is_none_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "export.zip").write_bytes(b"no archive")
    with pytest.raises(SourceRefused, match="BadZipFile"), open_export(f"zip://x::file://{tmp_path}/export.zip"):
        pass


def test_compressed_data_that_is_damaged_inside_is_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "export.gz"
    path.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\xff" * 40)  # a block of a type that deflate has not
    with pytest.raises(SourceRefused, match=zlib.error.__name__), open_export(str(path)):
        pass


def test_a_file_that_is_not_there_is_said_to_be_so_also_with_a_query() -> None:
    with pytest.raises(SourceRefused) as caught, open_export("memory://no/such?a=b"):
        pass
    assert "glob" not in caught.value.detail


def test_a_source_is_not_named_by_what_signs_its_url() -> None:
    export = ExportFile("https://h.example/logs/day.json?X-Goog-Signature=a/b0c1", Incidents.from_phrases({}))
    assert export.name == "export day.json"
    assert ExportFile("/logs/what?.json", Incidents.from_phrases({})).name == "export what?.json"
