"""The forms of an exported log: how each is recognised, where its entries begin and end, and what is refused."""

import codecs
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from probes.errors import SourceRefused
from probes.logs.export_formats import CHUNK, HEAD, iterate_objects, open_export

ENTRIES: list[dict[str, Any]] = [{"insertId": "a", "text": "é 🙂"}, {"insertId": "b"}, {"insertId": "c"}]
LISTED = json.dumps(ENTRIES, ensure_ascii=False)
INDENTED = "\n".join(json.dumps(one, indent=2, ensure_ascii=False) for one in ENTRIES)
BIG = {"insertId": "big", "text": "x" * (2 * CHUNK)}


def write(folder: Path, text: str | bytes, name: str = "export.json") -> str:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def read(url: str) -> tuple[str, list[dict[str, Any]], str]:
    """The form, the entries and an envelope's token."""
    with open_export(url) as export:
        entries = list(iterate_objects(export))
        return export.form, entries, export.more


def refusal(folder: Path, text: str | bytes) -> str:
    url = write(folder, text)
    with pytest.raises(SourceRefused) as caught:
        read(url)
    assert caught.value.request == url
    return caught.value.detail


@pytest.mark.parametrize("before", ["", " \n\t\r", "\ufeff", "\ufeff \n"], ids=["nothing", "blanks", "mark", "both"])
@pytest.mark.parametrize("after", ["", " \r\n"], ids=["nothing", "blanks"])
@pytest.mark.parametrize(
    "text, form, more",
    [
        (LISTED, "array", ""),
        (f'{{"entries": {LISTED}}}', "envelope", ""),
        (f'{{ "entries" : {LISTED} , "nextPageToken" : "n-1" }}', "envelope", "n-1"),
        (f'{{"nextPageToken": "n-2", "entries": {LISTED}}}', "envelope", "n-2"),
        (f'{{"nextPageToken": "", "entries": {LISTED}}}', "envelope", ""),
        (INDENTED, "objects", ""),
    ],
    ids=["array", "envelope", "token after", "token before", "no token", "objects"],
)
def test_every_form_is_known_by_its_beginning(
    text: str, form: str, more: str, before: str, after: str, tmp_path: Path
) -> None:
    assert read(write(tmp_path, f"{before}{text}{after}")) == (form, ENTRIES, more)
    assert read(write(tmp_path, gzip.compress(f"{before}{text}{after}".encode()))) == (form, ENTRIES, more)


@pytest.mark.parametrize("text", ["[]", '{"entries": []}'])
def test_a_list_may_be_empty(text: str, tmp_path: Path) -> None:
    assert read(write(tmp_path, text))[1] == []


def test_entries_of_more_than_a_chunk_are_read_whole(tmp_path: Path) -> None:
    entries = [BIG, {"insertId": "small"}, BIG]
    assert read(write(tmp_path, json.dumps(entries)))[1] == entries
    assert read(write(tmp_path, "\n".join(json.dumps(one, indent=1) for one in entries)))[1] == entries
    blanks = " " * (HEAD + CHUNK)
    assert read(write(tmp_path, f'[{blanks}{{"a": 1}}{blanks},{blanks}{{"b": 2}}{blanks}]{blanks}'))[1] == [
        {"a": 1},
        {"b": 2},
    ]


@pytest.mark.parametrize(
    "text, form",
    [
        ('{"a": 1}\n{"b": 2}\n', "lines"),
        ('{"a": 1}', "lines"),
        ('{"a": 1} \r\n{"b": 2}', "lines"),
        ('{"a": 1,\n"b": 2}', "objects"),
        ('{"a": ', "objects"),
        ('{"a": "' + "x" * HEAD + '"}\n', "lines"),
        ('{"other": 1, "entries": [{}]}', "lines"),
    ],
)
def test_an_object_on_each_line_is_lines_and_else_it_is_objects(text: str, form: str, tmp_path: Path) -> None:
    with open_export(write(tmp_path, text)) as export:
        assert export.form == form


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "is empty: an export without entries proves nothing"),
        (" \n\ufeff", "is empty: an export without entries proves nothing"),
        ("2025-09-07 15:42:31 ERROR", "is cut in the middle or no log export: it begins with '2025-09-07 15:42:31 …'"),
        ("[1]", "is not a list of entries: '1' where one should begin"),
        ('[{"a": 1} x]', "is not a list of entries: 'x' where one should begin"),
        ('[{"a": 1}', "is cut in the middle"),
        ('[{"a": 1}, ', "is cut in the middle"),
        ('[{"a": 1}] [', "is cut in the middle or no log export: ' [' after its last entry"),
        ('[{"a": 1}]}', "is cut in the middle or no log export: '}' after its last entry"),
        ('{"entries": [{"a": 1}]', "is cut in the middle or no log export: '' after its last entry"),
        (
            '{"entries": [{"a": 1}], "x": 1}',
            "is cut in the middle or no log export: ', \"x\": 1}' after its last entry",
        ),
        (
            '[{"a": 1}] ' + "y" * 70,
            f"is cut in the middle or no log export: ' {'y' * 59}…' after its last entry",
        ),
        ('{"a":\n1} x', "is not a list of entries: 'x' where one should begin"),
        ('{"a":\n1},{"b": 1}', "is not a list of entries: ',' where one should begin"),
        ('[{"a": ', "is cut in the middle or no log export: Expecting value"),
        (b"[{}]\0", "holds NUL bytes: neither UTF-8 nor UTF-16 with a byte order mark"),
        (b'[{"a": "\xff"}]', "can't be read: UnicodeDecodeError: 'utf-8' codec"),
        (codecs.BOM_UTF16_LE + b"[\0{", "can't be read: UnicodeDecodeError: 'utf-16"),
        (gzip.compress(LISTED.encode(), mtime=0)[:-9], "can't be read: EOFError: Compressed file ended before"),
        (b"\x1f\x8b\x07 no gzip", "can't be read: BadGzipFile: Unknown compression method"),
    ],
)
def test_what_is_no_whole_export_is_refused_with_the_reason(text: str | bytes, said: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, text).startswith(said)


def test_a_file_that_does_not_exist_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused) as caught:
        read(str(tmp_path / "nowhere.json"))
    assert "can't be read: FileNotFoundError: [Errno 2] No such file or directory" in str(caught.value)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_plain_local_file_can_be_read_in_pieces_and_a_compressed_one_can_not(scheme: str, tmp_path: Path) -> None:
    path = write(tmp_path, LISTED)
    with open_export(f"{scheme}{path}") as export:
        assert (export.plain, export.url) == (Path(path), f"{scheme}{path}")
    for odd in (gzip.compress(LISTED.encode()), LISTED.encode("utf-16")):
        with open_export(f"{scheme}{write(tmp_path, odd)}") as export:
            assert export.plain is None


def test_a_url_of_a_store_is_read_through_fsspec() -> None:
    import fsspec  # noqa: PLC0415 - for this test alone

    with fsspec.open("memory://exports/one.json", "wb") as file:
        file.write(LISTED.encode())
    with open_export("memory://exports/one.json") as export:
        assert export.plain is None
        assert list(iterate_objects(export)) == ENTRIES


def test_a_store_whose_library_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(SourceRefused) as caught:
        read("gs://bucket/one.json")
    assert caught.value.request == "gs://bucket/one.json"
    assert caught.value.detail.startswith("can't be read: ")
    assert caught.value.detail.endswith(". It is an extra: pip install 'netra-verify[stores]'")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_long_export_of_another_encoding_is_read_to_its_end(encoding: str, tmp_path: Path) -> None:
    mark = codecs.BOM_UTF16_LE if encoding == "utf-16-le" else "\ufeff".encode(encoding)
    entries = [*ENTRIES * 2000, {"insertId": "last"}]
    text = json.dumps(entries, ensure_ascii=False).encode(encoding)
    assert read(write(tmp_path, mark + text))[1] == entries
