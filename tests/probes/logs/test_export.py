"""Exported logs: every form they come in, and never "zero" out of a file that can't say so."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from probes.errors import SourceRefused
from probes.logs.entries import LogRead
from probes.logs.export import ExportFile, is_round
from tests.probes.logs.known import KNOWN

SHARED = Path(__file__).resolve().parents[4] / "shared/data/cloud-logging"
REAL = pytest.mark.skipif(not SHARED.is_dir(), reason="the real exports lie in ../shared, which is not here")
SERVICE = "netra-backend-staging"


def entry(number: int, status: int | str = 200, **more: str) -> dict[str, Any]:
    """A request-log entry as Cloud Run writes it."""
    return {
        "insertId": f"id-{number}",
        "logName": "projects/netra-staging/logs/run.googleapis.com%2Frequests",
        "timestamp": f"2025-09-07T15:42:{number % 60:02d}.123456789Z",
        "resource": {"labels": {"service_name": SERVICE, "revision_name": "r-00001"}},
        "httpRequest": {"status": status, "requestUrl": "https://x/ws", "requestMethod": "GET", "latency": "0.1s"},
        **more,
    }


def write(folder: Path, text: str | bytes, name: str = "export.json") -> str:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


async def read(url: str) -> LogRead:
    return await ExportFile(url, KNOWN).read(service=SERVICE)


ENTRIES = [entry(1), entry(2, 500), entry(3, "503"), entry(4, 404)]
NDJSON = "\n".join(json.dumps(one) for one in ENTRIES)
FORMS: dict[str, str | bytes] = {
    "array": json.dumps(ENTRIES),
    "indented array": json.dumps(ENTRIES, indent=2),
    "NDJSON": NDJSON,
    "NDJSON with CRLF": NDJSON.replace("\n", "\r\n"),
    "NDJSON without spaces": "\n".join(json.dumps(one, separators=(",", ":")) for one in ENTRIES),
    "envelope": json.dumps({"entries": ENTRIES}),
    "gzip of an array": gzip.compress(json.dumps(ENTRIES).encode()),
    "gzip of NDJSON": gzip.compress(NDJSON.encode()),
    "escaped": json.dumps(ENTRIES, ensure_ascii=True).replace("status", "\\u0073tatus"),
    "other key order": json.dumps([dict(reversed(one.items())) for one in ENTRIES]),
    "delivered twice": json.dumps([*ENTRIES, *ENTRIES]),
}


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_gives_the_same_answer(tmp_path: Path, form: str) -> None:
    suffix = ".json.gz" if form.startswith("gzip") else ".json"
    found = await read(write(tmp_path, FORMS[form], f"export{suffix}"))
    assert [one.status for one in found.server_errors] == [500, 503]
    assert found.total == found.requests == 4 * (2 if form == "delivered twice" else 1)
    assert found.exhausted


async def test_a_status_inside_a_payload_is_no_status(tmp_path: Path) -> None:
    lines = [entry(1), entry(2) | {"textPayload": '{"httpRequest": {"status":500}} "status":503'}]
    assert not (await read(write(tmp_path, json.dumps(lines)))).server_errors


@pytest.mark.parametrize("count", [50, 100, 500, 1000, 2000, 10_000])
async def test_a_file_that_stops_at_a_limit_proves_no_absence(tmp_path: Path, count: int) -> None:
    found = await read(write(tmp_path, json.dumps([entry(n) for n in range(count)])))
    assert not found.exhausted
    assert f"{count:,}" in found.doubt


def test_any_round_size_is_doubted_and_others_are_not() -> None:
    limits = [50, 64, 100, 200, 250, 256, 500, 512, 750, 1000, 1024, 1500, 2000, 2500, 5000, 10_000, 25_000, 100_000]
    assert all(map(is_round, limits))
    assert not any(map(is_round, [1, 5, 10, 20, 30, 40, 31, 63, 99, 101, 143, 997, 1001, 1050, 3650, 12_345]))
    assert sum(map(is_round, range(1, 10_000))) < 300  # a file that is whole is doubted once in thirty-three


@pytest.mark.parametrize(
    "content,said",
    [
        ("", "is empty"),
        ("[]", "holds no entry"),
        (json.dumps(ENTRIES)[:-30], "cut in the middle"),
        (NDJSON[:-30], "cut in the middle"),
        (gzip.compress(NDJSON.encode(), mtime=0)[:-20], "can't be read"),
        ("not JSON at all", "cut in the middle"),
        ("[1, 2]", "not a list of entries"),
        (json.dumps([entry(1) | {"resource": {"labels": {"service_name": "another"}}}]), "has nothing about"),
    ],
    ids=["empty", "no entries", "cut array", "cut NDJSON", "cut gzip", "text", "numbers", "another service"],
)
async def test_a_file_that_can_say_nothing_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(SourceRefused, match=said):
        await read(write(tmp_path, content))


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"nowhere\.json"):
        await read(str(tmp_path / "nowhere.json"))


async def test_nanoseconds_are_kept_and_missing_severity_is_no_error(tmp_path: Path) -> None:
    found = await read(write(tmp_path, json.dumps([entry(1, 500), entry(2, 500, severity="INFO")])))
    assert found.entries[0].timestamp.endswith(".123456789Z")
    assert [one.severity for one in found.entries] == ["", "INFO"]


async def test_a_payload_of_ten_mebibytes_is_read(tmp_path: Path) -> None:
    big = entry(1, 500, textPayload="x" * (10 * 1024 * 1024))
    found = await read(write(tmp_path, "\n".join(map(json.dumps, [big, entry(2)]))))
    assert len(found.server_errors) == 1


@REAL
async def test_the_september_export_holds_three_500s_on_ws() -> None:
    found = await read(str(SHARED / "2025-09-07-websocket-500s.json"))
    assert [(one.status, one.path) for one in found.server_errors] == [(500, "/ws")] * 3


@REAL
@pytest.mark.parametrize("name", ["2025-08-25-limit-50.json", "2025-08-28-limit-100.json"])
async def test_the_august_exports_stop_at_their_limit(name: str) -> None:
    found = await read(str(SHARED / name))
    assert not found.exhausted
    assert name.partition("-limit-")[2].removesuffix(".json") in found.doubt
