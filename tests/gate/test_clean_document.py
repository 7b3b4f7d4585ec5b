"""A document without secrets still says which case and which run it is about."""

from pathlib import Path

import pytest

from gate.document import clean
from gate.outcomes import Outcome
from gate.redaction import Redactor
from probes.secret import Secret
from tests.gate.documents import make_document


@pytest.mark.parametrize(
    "secret", ["service-key-of-the-backend-4711-xyzzy", "service-key", "PASSED", "auth.service-key"]
)
def test_a_secret_takes_no_name_from_a_case(tmp_path: Path, secret: str) -> None:
    document = make_document(tmp_path, {"auth.service-key": Outcome.PASSED, "auth.latency": Outcome.FAILED})
    cleaned = clean(document, Redactor([Secret(secret)]))
    assert [(row.id, row.name, row.outcome) for row in cleaned.checks] == [
        (row.id, row.name, row.outcome) for row in document.checks
    ]
    assert (cleaned.run_id, cleaned.verdict, cleaned.phase) == (document.run_id, document.verdict, document.phase)
