"""At a share of the traffic it counts what users meet: errors that only they see, and traffic that stopped."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.prove.expectations import elsewhere
from tests.system.running import run, twin_up, verdict_in
from tests.twin.people import Person
from twin.names import BACKEND, CANDIDATE_REVISION, PROJECT, REGION, REVISION

CHECK = "release.share"
SERVICE = f"/v2/projects/{PROJECT}/locations/{REGION}/services/{BACKEND}"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
SHARE = 40
ENOUGH = 300  # requests, of which the candidate gets the 59 that it needs
BY_NAME = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("twin")


@pytest.fixture(scope="module")
def addresses(folder: Path) -> Iterator[dict[str, Any]]:
    """A twin whose candidate takes a share of the traffic."""
    with twin_up(folder, "--candidate") as given:
        yield given


@pytest.fixture
def at_a_share(addresses: dict[str, Any]) -> dict[str, Any]:
    """The share is put in force again: earlier requests do not count."""
    targets = [
        {"type": BY_NAME, "revision": CANDIDATE_REVISION, "percent": SHARE, "tag": "verify"},
        {"type": BY_NAME, "revision": REVISION, "percent": 100 - SHARE},
    ]
    url = f"{addresses['platform']['run_url']}{SERVICE}?updateMask=traffic"
    assert httpx.patch(url, json={"traffic": targets}).is_success
    return addresses


def reader(addresses: dict[str, Any]) -> httpx.Client:
    headers = {**BROWSER, "Authorization": f"Bearer {Person(addresses).token}"}
    return httpx.Client(base_url=addresses["backend"]["url"], headers=headers, trust_env=False, timeout=30)


@contextmanager
def users(addresses: dict[str, Any]) -> Iterator[None]:
    """Somebody with a browser who reads his list all the time."""
    over = threading.Event()

    def read() -> None:
        with reader(addresses) as client:
            while not over.is_set():
                client.get("/api/threads")

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield
    finally:
        over.set()
        reading.join()


@contextmanager
def in_the_candidate(addresses: dict[str, Any], *faults: str) -> Iterator[None]:
    control = addresses["twin"]["control_url"]
    assert httpx.put(f"{control}/candidate/faults", json=list(faults), timeout=30).is_success
    try:
        yield
    finally:
        assert httpx.delete(f"{control}/faults", timeout=30).is_success


def judged(folder: Path, reports: Path, wait_s: float = 45) -> dict[str, Any]:
    code, said = run(
        "gate.session",
        "-c",
        "pytest.ini",
        "--target=local",
        "--phase=candidate",
        "--tag=verify",
        f"--share={SHARE}",
        f"--report-dir={reports}",
        "--verdict-only",
        "-k",
        "test_users_meet_nothing_worse",
        env={"NETRA_ADDRESSES": str(folder / "addresses.json"), "NETRA_ROLLOUT__WAIT_S": str(wait_s)},
    )
    assert code != 0, "one check of many is not a verdict"
    [row] = [row for row in verdict_in(reports)["checks"] if row["id"] == CHECK and row["outcome"] != "BROKEN"] or [
        said
    ]
    assert isinstance(row, dict), row
    return row


def test_users_who_meet_nothing_worse_are_a_pass(at_a_share: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    with users(at_a_share):
        row = judged(folder, tmp_path)
    assert row["outcome"] == "PASSED", row["reason"]
    [figure] = row["figures"]
    assert figure["n"] >= 59


@pytest.mark.parametrize("fault", [*elsewhere()[CHECK]["turned_by"], "compared.browsers-fail"])
def test_what_users_meet_is_found(at_a_share: dict[str, Any], folder: Path, tmp_path: Path, fault: str) -> None:
    """The second is seen by them alone: our own requests are answered well."""
    with in_the_candidate(at_a_share, fault), users(at_a_share):
        row = judged(folder, tmp_path)
    assert row["outcome"] == "FAILED", row["reason"]
    assert "requests failed, against " in row["actual"]


def test_without_users_nothing_is_known(at_a_share: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    assert at_a_share
    row = judged(folder, tmp_path, wait_s=1)
    assert row["outcome"] == "PENDING"
    assert "0 user requests" in row["reason"]


def test_traffic_that_stopped_halfway_is_no_pass(at_a_share: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    """As in fluxcd/flagger#1011: enough was asked, all of it went well, and then no more users came."""
    begun = time.monotonic()
    with reader(at_a_share) as client:
        for _ in range(ENOUGH):
            client.get("/api/threads")
    time.sleep((time.monotonic() - begun) / 2)  # no user comes in the last third of the window, and while the run boots
    row = judged(folder, tmp_path, wait_s=1)
    assert row["outcome"] == "PENDING"
    assert "traffic that stopped" in row["reason"]
