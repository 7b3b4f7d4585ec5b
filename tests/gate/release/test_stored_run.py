"""A stored verdict is judged again as it was judged at first."""

import pytest

from gate.release.seal import seal
from gate.release.stored_run import StoredRun, Unusable, read, rejudge
from gate.verdict_document import Document, encode
from tests.gate.release.releases import (
    B,
    F,
    Release,
    day,
    smoke,
    soak,
)


@pytest.mark.parametrize(
    "document",
    [
        smoke(),
        smoke(F),
        smoke(B),
        smoke(F, known=["threads.order"]),
        smoke(known=["threads.order"]),
        smoke(residue=None),
        smoke(interrupted="SIGTERM"),
        day(0, 3),
        day(0, 3, events=1),
    ],
)
def test_a_stored_run_is_judged_again_alike(document: Document) -> None:
    found = read(document.run_id, encode(seal(document, None, None)), "mini")
    assert isinstance(found, StoredRun), found
    decision = rejudge(found.document)
    assert (decision.verdict, decision.reason) == (document.verdict, document.reason)


def test_a_gates_verdict_is_judged_again_alike(release: Release) -> None:
    release.add(smoke(F), soak(0, of=3))
    document = release.judge()
    found = read(document.run_id, encode(seal(document, None, None)), "mini")
    assert not isinstance(found, Unusable), found
    assert (rejudge(found.document).verdict, rejudge(found.document).reason) == ("NO-GO", document.reason)
