"""Scanning big exports gives the answer of a parse of every line: the oracle, on generated corpora and in pieces."""

import gzip
import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.errors import SourceRefused
from probes.logs import export_error_scan as error_scan
from probes.logs import export_survey as surveying
from probes.logs import file_chunks as pieces
from probes.logs.entries import LogEntry, is_telling
from probes.logs.export_error_scan import scan_errors, scan_lines, scan_piece
from probes.logs.export_survey import Survey, survey, survey_piece
from probes.logs.incidents import holds_credential
from probes.logs.parsing import parse_entry
from tests.probes.logs.known import KNOWN

JWT = "eyJhbGciOiJI.eyJzdWIiOiJ1." + "x" * 20
TEXTS = [
    "listing threads took 12 ms",
    '{"httpRequest": {"status":500}} "status":503',
    "AttributeError: 'coroutine' object has no attribute 'get'",
    "'COROUTINE' OBJECT",
    "operator does not exist: text ->> unknown",
    "Auth Service communication failed",
    f"Bearer {JWT}",
    "postgresql://netra:secret@db/netra",
    "see https://example.com/help, or mail me@example.com",
    'a "quoted" \\ path\nnext line\ttab é 🙂 \u2028',
    "",
]
STATUSES: list[Any] = [
    200,
    404,
    499,
    500,
    503,
    599,
    600,
    50,
    5000,
    "200",
    "500",
    "503",
    "5",
    "",
    None,
    500.0,
    5e2,
    True,
    "\uff15\uff10\uff10",  # digits, but not those of ASCII
]
PARTS = ["auth", " ", "validation failed", "->>", "jsonb", "eyJ", ".", "cannot extract", "://", "a:b@", " from a"]
SEPARATORS = [(",", ":"), (", ", ": "), (" ,\t", "  :  ")]


def seeded(seed: int) -> random.Random:
    """The same choices every time."""
    return random.Random(seed)  # noqa: S311 - nothing secret


def an_entry(chance: random.Random, number: int) -> dict[str, Any]:
    log = chance.choice(["requests", "requests", "stdout", "stderr"])
    entry: dict[str, Any] = {
        "insertId": f"id-{chance.randrange(number + 1)}" if chance.random() < 0.1 else f"id-{number}",
        "logName": f"projects/netra-staging/logs/run.googleapis.com%2F{log}",
        "timestamp": f"2025-09-07T15:{number // 60 % 60:02}:{number % 60:02}.123456789Z",
        "resource": {"labels": {"service_name": chance.choice(["a", "b"]), "revision_name": "r-1"}},
    }
    if log == "requests" or chance.random() < 0.1:
        entry["httpRequest"] = {"status": chance.choice(STATUSES), "requestUrl": "https://x/ws?status=500"}
    kind = chance.choice(["textPayload", "jsonPayload", "error", "deep", "protoPayload", "odd", ""])
    text = chance.choice(TEXTS)
    payloads: dict[str, Any] = {
        "textPayload": {"textPayload": text},
        "jsonPayload": {"jsonPayload": {"message": text}},
        "error": {"jsonPayload": {"error": {"type": "E", "value": text, "traceback": text}}},
        "deep": {"jsonPayload": {"a": [{"b": [text]}]}},
        "protoPayload": {"protoPayload": {"status": {"message": text}}},
        "odd": {"jsonPayload": [text], "resource": None, "textPayload": None},
        "": {},
    }
    return {**entry, **payloads[kind]}


def escaped(line: str, chance: random.Random) -> str:
    """Some letters by their number, and slashes with a backslash: the same JSON."""
    for word in ("status", "500", "coroutine", "requests", "eyJ", "does not"):
        if chance.random() < 0.2:
            at = chance.randrange(len(word))
            if word != "500" or '"500"' in line:
                line = line.replace(word, f"{word[:at]}\\u{ord(word[at]):04x}{word[at + 1 :]}")
    return line.replace("//", "\\/\\/") if chance.random() < 0.2 else line


def some_lines(seed: int, count: int) -> list[str]:
    chance = seeded(seed)
    lines = []
    for number in range(count):
        entry = an_entry(chance, number)
        shuffled = dict(chance.sample(list(entry.items()), len(entry)))
        line = json.dumps(shuffled, separators=chance.choice(SEPARATORS), ensure_ascii=chance.random() < 0.5)
        lines.append(escaped(line, chance))
    return lines


def oracle(lines: list[str]) -> tuple[list[LogEntry], int]:
    """Every line parsed whole: the telling entries, and how many entries there are."""
    entries = [parse_entry(json.loads(line)) for line in lines]
    return [entry for entry in entries if is_telling(entry, KNOWN)], len(entries)


def assert_same(found: Survey, lines: list[str]) -> None:
    telling, total = oracle(lines)
    assert found.total == total
    assert set(found.telling.values()) == {first_of(telling, one) for one in telling}
    assert found.repeated == len(telling) - len(found.telling)
    assert found.requests.total() == sum(parse_entry(json.loads(line)).is_request for line in lines)


def first_of(entries: list[LogEntry], one: LogEntry) -> LogEntry:
    key = one.log_name, one.insert_id, one.timestamp
    return next(it for it in entries if (it.log_name, it.insert_id, it.timestamp) == key)


def errors_of(lines: list[str]) -> list[LogEntry]:
    return [entry for line in lines if matters(entry := parse_entry(json.loads(line)))]


def matters(entry: LogEntry) -> bool:
    """What the scan keeps of what it looks at: a 5xx, or an entry that can't be judged."""
    return entry.has_server_error or bool(entry.problem)


FORMS: dict[str, Any] = {
    "LF": lambda lines: "\n".join(lines) + "\n",
    "no newline at the end": "\n".join,
    "CRLF and blank lines": "\r\n\r\n".join,
    "array": lambda lines: f"[{','.join(lines)}]",
    "array over lines": lambda lines: "[\n" + ",\n ".join(lines) + "\n]\n",
    "envelope": lambda lines: f'{{"entries": [{",".join(lines)}]}}',
    "indented objects": lambda lines: "\n".join(json.dumps(json.loads(line), indent=2) for line in lines),
    "with a mark": lambda lines: "\ufeff" + "\n".join(lines),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(3))
def test_every_form_of_a_corpus_gives_the_oracles_answer(tmp_path: Path, form: str, seed: int, *, packed: bool) -> None:
    lines = some_lines(seed, 300)
    data = FORMS[form](lines).encode()
    path = tmp_path / "export.json"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert_same(survey(str(path), KNOWN), lines)
    assert scan_errors(str(path)) == errors_of(lines)


@pytest.mark.parametrize("seed", range(3))
def test_any_way_of_cutting_a_file_into_pieces_gives_the_same(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (surveying, error_scan):
        monkeypatch.setattr(module, "CHUNK", 2000)  # many buffers, many lines that a buffer cuts
    lines = some_lines(seed, 200)
    path = tmp_path / "export.ndjson"
    path.write_text("\n".join(lines))
    size, chance = path.stat().st_size, seeded(seed)
    inside = sorted({chance.randrange(size) for _ in range(12)})
    newline = path.read_bytes().index(b"\n")
    bounds = sorted({0, *inside, newline, newline + 1, newline + 2, size})
    found, errors = Survey(incidents=KNOWN), []
    for begin, end in pairwise(bounds):
        found.merge(survey_piece(KNOWN, str(path), begin, end))
        errors += [json.loads(line) for line in scan_piece(str(path), begin, end)]
    assert_same(found, lines)
    assert [one for raw in errors if matters(one := parse_entry(raw))] == errors_of(lines)


def test_a_large_file_is_read_by_several_processes_with_the_same_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "LARGE", 1000)
    monkeypatch.setattr(pieces, "PIECE", 10_000)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    lines = some_lines(7, 400)
    path = tmp_path / "export.ndjson"
    path.write_text("\n".join(lines))
    assert_same(survey(str(path), KNOWN), lines)
    assert scan_errors(str(path)) == errors_of(lines)


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_line_that_is_cut_is_named(tmp_path: Path, keep: float) -> None:
    lines = some_lines(1, 50)
    path = tmp_path / "export.ndjson"
    path.write_text("\n".join([*lines[:-1], lines[-1][: int(len(lines[-1]) * keep)]]))
    with pytest.raises(SourceRefused, match=r"export\.ndjson: is cut in the middle.*entry 50"):
        survey(str(path), KNOWN)


# --- the prefilters are supersets: of what they let go by, nothing counts


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    status=st.one_of(st.integers(0, 10_000), st.text(max_size=5), st.floats(allow_nan=False), st.none(), st.booleans()),
    text=st.text(max_size=40),
    spaces=st.tuples(*[st.sampled_from(["", " ", "\t", "  ", "\r"])] * 2),
    number=st.integers(500, 599),
    form=st.sampled_from(["{0}", '"{0}"', "{0}.0", "{0}e0", "5.{1:02}E2", '"\\u0035{1:02}"']),
    key=st.sampled_from(["status", "\\u0073tatus", "statu\\u0073", "st\\u0061tus"]),
)
def test_no_line_with_a_5xx_escapes_the_scan(
    tmp_path_factory: pytest.TempPathFactory,
    status: Any,  # noqa: ANN401 - any JSON value
    text: str,
    spaces: tuple[str, str],
    number: int,
    form: str,
    key: str,
) -> None:
    log = '"logName":"projects/p/logs/run.googleapis.com%2Frequests"'
    said = json.dumps(text)
    colon = f"{spaces[0]}:{spaces[1]}"
    plain = f'{{"insertId":"1",{log},"textPayload":{said},"httpRequest":{{"status"{colon}{json.dumps(status)}}}}}'
    odd = f'{{"insertId":"2",{log},"httpRequest":{{"{key}"{colon}{form.format(number, number % 100)}{spaces[0]}}}}}'
    path = tmp_path_factory.mktemp("scan") / "export.ndjson"
    path.write_text(f"{plain}\n{odd}\n{plain}", encoding="utf-8", newline="")
    lines = [plain, odd, plain]
    assert scan_errors(str(path)) == errors_of(lines)
    assert_same(survey(str(path), KNOWN), lines)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*TEXTS, "auth", " ", "validation failed", "->>", "jsonb", "eyJ", ".", "cannot extract"]))
)
def test_no_text_that_counts_has_no_anchor(parts: list[str]) -> None:
    text = "".join(parts)
    entry = parse_entry({"textPayload": text})
    if KNOWN.name(entry.text) or holds_credential(text):
        assert KNOWN.may_show(text)


def test_a_line_longer_than_the_buffer_is_whole(tmp_path: Path) -> None:
    big = json.dumps(an_entry(seeded(1), 1) | {"textPayload": "x" * (3 << 20), "httpRequest": {"status": 500}})
    path = tmp_path / "export.ndjson"
    path.write_text(f"{big}\n{big}")
    with path.open("rb") as file:
        assert list(scan_lines(file, 0, None)) == [big.encode()] * 2


def test_ordinary_entries_take_the_narrow_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def plainly(*_: object) -> None:
        raise AssertionError("an ordinary entry was parsed whole")

    monkeypatch.setattr(surveying, "_survey_plainly", plainly)
    payloads: list[dict[str, Any]] = [
        {},
        {"textPayload": "'coroutine' object"},
        {"jsonPayload": {"a": [1]}},
        {"protoPayload": {}},
    ]
    entries: list[dict[str, Any]] = [
        {"logName": "projects/p/logs/run.googleapis.com%2Frequests", "httpRequest": {"status": status}, **payload}
        for status in (200, "404", 500, None)
        for payload in payloads
    ]
    path = tmp_path / "export.ndjson"
    path.write_text("\n".join(json.dumps(one) for one in entries))
    assert survey(str(path), KNOWN).total == len(entries)
