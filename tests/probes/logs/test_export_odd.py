"""Exports as people really have them: an odd form is read, or refused with its name, and never a silent zero."""

import bz2
import codecs
import gzip
import json
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from probes.errors import SourceRefused
from probes.logs.entries import LogRead
from probes.logs.export import ExportFile
from probes.logs.parsing import parse_entry
from tests.probes.logs.known import KNOWN
from tests.probes.logs.test_export import SERVICE, entry, write

ODD = Path(__file__).resolve().parents[4] / "shared/data/log-exports-odd"
SHARED_ODD = pytest.mark.skipif(not ODD.is_dir(), reason="the odd exports lie in ../shared, which is not here")
GOOD = [entry(number) for number in range(30)]


async def read(url: str, revision: str = "") -> LogRead:
    return await ExportFile(url, KNOWN, "netra-staging").read(SERVICE, revision)


def changed(**fields: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any field of an entry
    """Thirty good entries and one with other fields."""
    return [*GOOD, entry(31) | fields]


def with_status(status: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return {"httpRequest": {"requestUrl": "https://x/ws"} | ({} if status is None else {"status": status})}


# --- a field of another type costs that entry, which is named

COSTS: dict[str, tuple[dict[str, Any], str]] = {
    "no status": (with_status(None), "1 x has no status"),
    "a status in words": (
        with_status("503 Service Unavailable"),
        "status that can't be read, '503 Service Unavailable'",
    ),
    "a status of another type": (with_status([503]), "status that can't be read"),
    "a status of many digits": (with_status("5" * 6000), "status that can't be read"),
    "a status below zero": (with_status(-500), "status that can't be read, '-500'"),
    "a status that is infinite": (with_status(float("inf")), "status that can't be read"),
    "httpRequest is text": ({"httpRequest": "GET /"}, "httpRequest is text, not an object"),
    "resource is a list": ({"resource": [1]}, "resource is a list, not an object"),
    "resource.labels is a list": ({"resource": {"labels": []}}, "resource.labels is a list, not an object"),
    "a service that is a number": ({"resource": {"labels": {"service_name": 5}}}, "service_name is a number, not text"),
    "no log name": ({"logName": ""}, "has no logName"),
    "a time stamp in words": ({"timestamp": "yesterday"}, "time stamp that can't be read, 'yesterday'"),
    "a time stamp in the last year": ({"timestamp": "9999-12-31T23:59:59Z"}, "time stamp that can't be read"),
    "a time stamp before the first": ({"timestamp": "0001-01-01T00:00:00+14:00"}, "time stamp that can't be read"),
    "a time stamp that never was": ({"timestamp": "2025-02-30T10:00:00Z"}, "time stamp that can't be read"),
    "a time stamp of another type": ({"timestamp": {"seconds": 1}}, "time stamp that can't be read"),
}


@pytest.mark.parametrize("form", ["array", "lines"])
@pytest.mark.parametrize("what", COSTS)
async def test_an_entry_that_cannot_be_judged_is_counted_named_and_doubts_the_zero(
    tmp_path: Path, what: str, form: str
) -> None:
    fields, problem = COSTS[what]
    entries = changed(**fields)
    text = json.dumps(entries) if form == "array" else "\n".join(map(json.dumps, entries))
    found = await read(write(tmp_path, text))
    assert not found.exhausted
    assert problem in found.doubt
    assert not found.server_errors


READABLE: dict[str, dict[str, Any]] = {
    "labels are a list": {"labels": [{"key": "instanceId", "value": "x"}]},
    "a time stamp in seconds": {"timestamp": 1757259731.5},
    "a time stamp with an offset": {"timestamp": "2025-09-07T17:42:31.5+02:00"},
    "a time stamp with a blank": {"timestamp": "2025-09-07 15:42:31,25"},
    "an id that is a number": {"insertId": 7},
    "a payload that is a list": {"jsonPayload": ["a", {"b": [1, None]}]},
    "a time stamp as BigQuery exports it": {"timestamp": "2025-09-07 15:42:31.250000 UTC"},
    "the log's name with a slash": {"logName": "projects/netra-staging/logs/run.googleapis.com/requests"},
}


@pytest.mark.parametrize("what", READABLE)
async def test_what_can_be_read_costs_nothing(tmp_path: Path, what: str) -> None:
    found = await read(write(tmp_path, json.dumps(changed(**READABLE[what]))))
    assert (found.doubt, found.requests) == ("", 31)
    assert (found.window.start.year, found.window.end.year) == (2025, 2025)


async def test_what_is_no_entry_is_never_zero(tmp_path: Path) -> None:
    found = await read(write(tmp_path, json.dumps([*GOOD, {"a": 1}])))
    assert "1 x has none of a log entry's fields" in found.doubt
    with pytest.raises(SourceRefused, match="3 x has none of a log entry's fields"):
        await read(write(tmp_path, json.dumps([{"a": 1}] * 3)))


async def test_the_client_librarys_names_are_read(tmp_path: Path) -> None:
    plain = entry(31, 500)
    names = {"insertId": "insert_id", "logName": "log_name", "httpRequest": "http_request"}
    snake = {names.get(key, key): value for key, value in plain.items()}
    found = await read(write(tmp_path, "\n".join(map(json.dumps, [*GOOD, snake]))))
    assert [(error.status, error.insert_id) for error in found.server_errors] == [(500, "id-31")]


@pytest.mark.parametrize(
    "payload, text", [("a sentence", "a sentence"), ({"message": "an object"}, "an object"), (None, "")]
)
def test_the_client_librarys_payload_is_text_or_an_object(payload: object, text: str) -> None:
    read = parse_entry({key: value for key, value in entry(1).items() if key != "textPayload"} | {"payload": payload})
    assert text in read.text
    assert bool(read.text) is bool(text)
    assert read.problem == ""


async def test_a_load_balancers_5xx_are_named_and_never_a_silent_zero(tmp_path: Path) -> None:
    balancer = entry(40, 502) | {
        "logName": "projects/netra-staging/logs/requests",
        "resource": {"type": "http_load_balancer", "labels": {"url_map_name": "m"}},
    }
    found = await read(write(tmp_path, json.dumps([*GOOD, balancer])))
    assert (found.requests, found.server_errors, found.exhausted) == (30, [], False)
    assert "1 with 5xx among 1 entries of another resource type, http_load_balancer" in found.doubt


@pytest.mark.parametrize("form", ["array", "envelope", "lines"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_other_encodings_are_read_by_their_mark(tmp_path: Path, encoding: str, form: str) -> None:
    entries = [*GOOD, entry(31, 503) | {"textPayload": "\u00e9 \U0001f642"}]
    forms = {
        "array": json.dumps(entries, ensure_ascii=False, separators=(",", ":")),
        "envelope": json.dumps({"entries": entries}, ensure_ascii=False),
        "lines": "\n".join(json.dumps(one, ensure_ascii=False) for one in entries),
    }
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    found = await read(write(tmp_path, marks.get(encoding, b"") + forms[form].encode(encoding)))
    assert (found.requests, len(found.server_errors), found.exhausted) == (31, 1, True)


async def test_utf_16_without_its_mark_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="NUL bytes"):
        await read(write(tmp_path, json.dumps(GOOD).encode("utf-16-le")))


@pytest.mark.parametrize("form", ["array", "lines"])
async def test_an_entry_nested_deeper_than_can_be_read_is_refused_in_a_sentence(tmp_path: Path, form: str) -> None:
    deep = json.dumps(entry(1))[:-1] + ', "jsonPayload": {"a": ' + "[" * 200_000 + "]" * 200_000 + "}}"
    with pytest.raises(SourceRefused, match=r"nested too deep|cut in the middle or not a log export"):
        await read(write(tmp_path, f"[{deep}]" if form == "array" else f"{deep}\n{json.dumps(entry(2))}"))


async def test_two_files_joined_without_a_line_break_hide_no_500(tmp_path: Path) -> None:
    """Two entries on one line are read without a word by msgspec: then no number says which line an entry is on."""
    parts = GOOD[:10], [*GOOD[10:20], entry(31, 503), *GOOD[20:]]
    first, second = ("\n".join(map(json.dumps, part)) for part in parts)
    with pytest.raises(SourceRefused, match=r"entry 10 or after it .*Extra data"):
        await read(write(tmp_path, f"{first}{second}\n"))


async def test_an_entry_over_two_lines_and_two_on_one_do_not_cancel_out(tmp_path: Path) -> None:
    lines = [json.dumps(one) for one in [*GOOD, entry(31, 503)]]
    broken = lines[5].replace(': {"service', ':\n{"service')
    assert broken.count("\n") == 1
    with pytest.raises(SourceRefused, match="or after it"):
        await read(write(tmp_path, "\n".join([lines[0], lines[1] + lines[2], *lines[3:5], broken, *lines[6:]])))


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "gzip twice": lambda data: gzip.compress(gzip.compress(data)),
}


@pytest.mark.parametrize("way", PACKED)
async def test_a_packed_file_is_named_as_such(tmp_path: Path, way: str) -> None:
    with pytest.raises(SourceRefused, match=f"is packed with {way}: unpack it first"):
        await read(write(tmp_path, PACKED[way](json.dumps(GOOD).encode())))


async def test_a_5xx_of_another_log_is_named_and_never_a_silent_zero(tmp_path: Path) -> None:
    other = entry(40, 502) | {"logName": "projects/netra-staging/logs/requests"}
    del other["resource"]
    found = await read(write(tmp_path, json.dumps([*GOOD, other])))
    assert "1 with 5xx in another log, projects/netra-staging/logs/requests" in found.doubt


async def test_the_revisions_are_counted_and_one_can_be_chosen(tmp_path: Path) -> None:
    old = entry(40, 503) | {"resource": {"labels": {"service_name": SERVICE, "revision_name": "r-00000"}}}
    url = write(tmp_path, json.dumps([*GOOD, old]))
    assert (await read(url)).revisions == {"r-00001": 30, "r-00000": 1}
    assert not (await read(url, "r-00001")).server_errors
    with pytest.raises(SourceRefused, match=r"has nothing about .*r-00002"):
        await read(url, "r-00002")


# --- the shared files: 5xx, and what the doubt says (empty: the zero counts)

EXPECTED: Mapping[str, tuple[int, str]] = {
    "good30": (0, ""),
    "status_missing_all": (0, "30 x has no status"),
    "status_str_text": (0, "'503 Service Unavailable'"),
    "snake_array": (5, ""),
    "labels_list": (0, ""),
    "ts_epoch_num": (0, ""),
    "bom_array_compact": (1, ""),
    "utf16_array": (1, ""),
    "lb_plus_run": (0, "5 with 5xx among 5 entries of another resource type"),
    "mixed_rev": (1, ""),
}


@SHARED_ODD
@pytest.mark.parametrize("name", EXPECTED)
async def test_the_shared_exports_come_to_what_their_table_says(name: str) -> None:
    errors, doubt = EXPECTED[name]
    found = await read(str(ODD / f"{name}.json"))
    assert len(found.server_errors) == errors
    assert doubt in found.doubt
    assert found.exhausted == (not doubt)


@SHARED_ODD
def test_no_shared_export_is_left_out() -> None:
    assert {path.stem for path in ODD.glob("*.json")} == EXPECTED.keys()
