"""A store keeps what was put there, wherever it lies, or says why it can't."""

import pytest

from gate.release.gathering import gather
from gate.release.store import Store, StoreError
from tests.gate.release.releases import (
    Release,
    smoke,
)


def test_a_store_overwrites_nothing(release: Release) -> None:
    release.add(smoke())
    with pytest.raises(StoreError, match="not overwritten"):
        release.add(smoke())


def test_a_store_elsewhere_is_read_and_written_alike() -> None:
    store = Store("memory://netra-gate/evidence")
    store.probe("mini", "20261120T000000Z-abcdef")
    store.put(smoke())
    assert store.unfinished("mini") == ["20261120T000000Z-abcdef"]
    found = gather(store, "mini")
    assert [one.document.verdict for one in found.runs] == ["GO"]


@pytest.mark.parametrize("where", ["/proc/1/nowhere", "no-such-scheme://bucket"])
def test_a_store_that_can_not_be_used_says_so(where: str) -> None:
    with pytest.raises(StoreError, match="evidence store"):
        Store(where).put(smoke())
