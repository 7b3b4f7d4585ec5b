"""A store keeps what was put there, wherever it lies, or says why it can't."""

import json
import secrets
from pathlib import Path

import fsspec
import pytest
from msgspec.structs import replace

from gate.release.gathering import gather
from gate.release.store import AT_ONCE, MOST_LOOKED_BACK, Store, StoreError
from gate.verdict_document import Document
from tests.gate.release.releases import B, F, Release, day, smoke

ID = "20261120T000000Z-abcdef"


@pytest.fixture(params=["folder", "elsewhere"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store, in a folder or anywhere else."""
    here = str(tmp_path / "evidence")
    return Store(here if request.param == "folder" else f"memory://{secrets.token_hex(8)}/evidence")


def write(store: Store, path: str, body: bytes) -> None:
    """Write what no gate would write."""
    fs, root = fsspec.core.url_to_fs(store.where)
    fs.makedirs(f"{root}/{path}".rpartition("/")[0], exist_ok=True)
    fs.pipe_file(f"{root}/{path}", body)


def test_a_store_overwrites_nothing(release: Release) -> None:
    release.add(smoke())
    with pytest.raises(StoreError, match="not overwritten"):
        release.add(smoke())


def test_a_store_elsewhere_is_read_and_written_alike() -> None:
    store = Store("memory://netra-gate/evidence")
    store.probe("mini", ID)
    store.put(smoke())
    assert store.unfinished("mini") == [ID]
    found = gather(store, "mini")
    assert [one.document.verdict for one in found.runs] == ["GO"]


@pytest.mark.parametrize("where", ["/proc/1/nowhere", "no-such-scheme://bucket"])
def test_a_store_that_can_not_be_used_says_so(where: str) -> None:
    with pytest.raises(StoreError, match="evidence store"):
        Store(where).put(smoke())


def test_a_run_lies_where_the_store_says_and_nothing_half_written_beside_it(store: Store) -> None:
    document = smoke()
    place = store.put(document)
    assert place == f"{store.where}/mini/{document.run_id}/verdict.json"
    fs, root = fsspec.core.url_to_fs(store.where)
    assert [str(path).removeprefix(root) for path in fs.find(root)] == [place.removeprefix(store.where)]
    assert Store(f"{store.where}/").put(smoke(at_h=1)).count("//") == store.where.count("//")


def test_a_run_that_began_is_unfinished_until_it_has_left_its_verdict(store: Store) -> None:
    document = smoke()
    store.probe("mini", document.run_id)
    with pytest.raises(StoreError, match=f"it already has run {document.run_id}"):
        store.probe("mini", document.run_id)
    assert store.unfinished("mini") == [document.run_id]
    assert store.unfinished("other") == []
    store.put(document)
    assert store.unfinished("mini") == []


def test_runs_come_oldest_first_however_many_there_are(store: Store) -> None:
    documents = [smoke(at_h=hour) for hour in range(AT_ONCE + 2)]
    for document in reversed(documents):
        store.put(document)
    ids = [document.run_id for document in documents]
    assert [run_id for run_id, _ in store.each("mini")] == ids
    assert list(store.each("mini-too")) == []


@pytest.mark.parametrize(
    "documents, asked, found",
    [
        ([smoke(), smoke(at_h=1)], {}, 1),
        ([smoke(), smoke(at_h=1), day(0, 2)], {}, 1),
        ([smoke(), smoke(F, at_h=1), smoke(B, at_h=2)], {}, 2),
        ([smoke(), smoke(F, at_h=1), smoke(B, at_h=2)], {"decided": True}, 1),
        ([day(0, 2)], {}, None),
        ([smoke(target="other")], {}, None),
    ],
)
def test_the_last_run_of_a_phase_is_found(
    store: Store, documents: list[Document], asked: dict[str, bool], found: int | None
) -> None:
    for document in documents:
        store.put(document)
    last = store.last("mini", "smoke", **asked)  # type: ignore[arg-type]  # its other options have the same type
    assert (last and last.run_id) == (None if found is None else documents[found].run_id)


def test_a_selection_counts_as_the_last_run_only_where_it_is_asked_for(store: Store) -> None:
    whole, part = smoke(), replace(smoke(F, at_h=1), selection="threads.*")
    for document in (whole, part):
        store.put(document)
    assert [
        last and last.run_id for last in (store.last("mini", "smoke"), store.last("mini", "smoke", part.run_id))
    ] == [
        whole.run_id,
        whole.run_id,
    ]
    found = store.last("mini", "smoke", with_selections=True)
    assert found
    assert found.run_id == part.run_id


def test_what_can_not_be_read_is_passed_over_in_search_of_the_last_run(store: Store) -> None:
    document = smoke()
    store.put(document)
    write(store, "mini/20270101T000000Z-000000/verdict.json", b"{")
    found = store.last("mini", "smoke")
    assert found
    assert found.run_id == document.run_id
    for number in range(MOST_LOOKED_BACK):
        write(store, f"mini/20270101T000000Z-{number:06}/verdict.json", b"{")
    assert store.last("mini", "smoke") is None


def test_each_run_names_the_one_before_it(store: Store) -> None:
    first, second = smoke(), smoke(at_h=1)
    store.put(first)
    write(store, "mini/20260101T000000Z-000000/verdict.json", b"{")
    store.put(second)
    found = {one.run_id: one for one in (run.document for run in gather(store, "mini").runs)}
    seals = [found[one.run_id].seal for one in (first, second)]
    assert [one and one.before and one.before.run_id for one in seals] == [None, first.run_id]


def test_a_discard_is_found_by_what_it_discards_and_made_once(store: Store) -> None:
    made = store.discard("mini", "soak-1", owner="backend team", because="the network was down")
    assert store.discards("mini") == {"soak-1": made}
    assert (made.id, made.owner, made.because) == ("soak-1", "backend team", "the network was down")
    assert store.discards("other") == {}
    with pytest.raises(StoreError, match="soak-1 was already discarded"):
        store.discard("mini", "soak-1", owner="someone else", because="again")
    assert store.discards("mini") == {"soak-1": made}


@pytest.mark.parametrize("what", ["", "../soak-1", ".hidden", "a/b", "a" * 122])
def test_what_is_no_name_is_not_discarded(store: Store, what: str) -> None:
    with pytest.raises(StoreError, match="is not a run id such as"):
        store.discard("mini", what, owner="backend team", because="a mistake")


DISCARDED = {"id": "soak-1", "owner": "ada", "because": "x", "at": "2026-11-20T00:00:00Z"}
WRONG: list[dict[str, object]] = [
    {"id": []},
    {"id": 5},
    {"owner": None},
    {"because": ["x"]},
    {"at": "yesterday"},
    {"more": 1},
]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", json.dumps({"id": "x", "why": "?"}).encode(), b"\xff"]
    + [json.dumps({**DISCARDED, **wrong}).encode() for wrong in WRONG],
)
def test_a_discard_that_can_not_be_read_stops_the_gate(store: Store, body: bytes) -> None:
    write(store, "mini/discarded/soak-1.json", body)
    with pytest.raises(StoreError, match=r"The discard in .*soak-1\.json can't be read: .*Restore or remove it"):
        store.discards("mini")


def test_a_run_that_can_not_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / f"mini/{ID}/verdict.json"
    folder.mkdir(parents=True)
    ((run_id, body),) = Store(str(tmp_path)).each("mini")
    assert run_id == ID
    assert str(body) == f"{folder} can't be read (Is a directory)"
    folder.with_name("begun.json").mkdir()
    discard = tmp_path / "mini/discarded/soak-1.json"
    discard.mkdir(parents=True)
    with pytest.raises(StoreError, match="Is a directory"):
        Store(str(tmp_path)).discards("mini")


def test_a_name_like_a_pattern_is_still_a_name(tmp_path: Path) -> None:
    for where in (str(tmp_path / "[evidence]"), f"memory://{secrets.token_hex(8)}/[evidence]"):
        store, document = Store(where), smoke()
        store.put(document)
        assert [run_id for run_id, _ in store.each("mini")] == [document.run_id]
