"""The document is typed: its schema is generated, strict JSON alone is written, and typing changed nothing."""

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gate.document import SCHEMA
from gate.evidence import Recorder
from gate.figures import Figure, make_figure
from gate.outcomes import Outcome, Verdict
from gate.report.wording import show_figure
from gate.strict_json import plain
from gate.verdict_document import Document, decode, encode, schema
from tests.gate.documents import make_document

MIXED = {f"family{'abc'[n % 3]}.check{n}": outcome for n, outcome in enumerate([*Outcome, Outcome.PASSED])}
STORED = Path(__file__).parent / "stored"  # verdicts of version 2, as the untyped code wrote them


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return make_document(tmp_path, MIXED)


def test_the_published_schema_is_the_generated_one() -> None:
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(schema())), "renew: python -m tests.catalogue"


def test_a_document_is_read_as_it_was_written(document: Document) -> None:
    body = encode(document)
    assert encode(decode(body)) == body
    jsonschema.validate(json.loads(body), schema())


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_strict_json_is_refused(document: Document, value: str) -> None:
    body = encode(document).decode().replace('"residue": 0', f'"residue": {value}')
    with pytest.raises(msgspec.DecodeError):
        decode(body)


def test_a_document_that_does_not_fit_is_not_written(document: Document) -> None:
    with pytest.raises(msgspec.ValidationError, match="residue"):
        encode(replace(document, residue=-1))


@pytest.mark.parametrize(
    "changed", [{"exit_code": 1}, {"residue": 1}, {"residue": None}, {"doubts": ["x"]}, {"interrupted": "SIGTERM"}]
)
def test_a_go_that_contradicts_itself_can_not_be_made(tmp_path: Path, changed: dict[str, object]) -> None:
    good = make_document(tmp_path, {"a.b": Outcome.PASSED})
    assert good.verdict is Verdict.GO
    with pytest.raises(ValueError, match="GO"):
        replace(good, **changed)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSONS)
def test_whatever_is_attached_is_strict_json(value: object) -> None:
    text = json.dumps(plain(value), allow_nan=False)
    assert json.loads(text) == plain(value)


def test_a_number_that_is_not_finite_is_null_and_a_word() -> None:
    figure = make_figure("p95", n=3, value=math.inf, limit=100.0, interval=[1.0, math.inf], seen=[math.nan])
    assert (figure.value, figure.interval, figure.not_finite) == (None, (1.0, None), {"value": "infinite"})
    assert figure.details == {"seen": ["not a number"]}
    assert show_figure(figure) == "infinite (limit 100, n=3)"


def test_evidence_keeps_what_json_does_not_know_as_its_text() -> None:
    recorder = Recorder()
    recorder.attach("bound", {"hours": math.inf, "folder": Path("x"), "outcome": Outcome.FAILED})
    assert recorder.parts()["evidence"] == {"bound": {"hours": "infinite", "folder": "x", "outcome": "FAILED"}}


@pytest.mark.parametrize("name", ["run", "gate"])
def test_typing_changed_nothing_in_stored_documents(name: str) -> None:
    """Read into structs and dumped again, a verdict of the untyped code is the same value for value.

    What version 3 itself changed is applied beforehand: new keys, details of a figure and of a plot in their place.
    """
    before = _lifted(json.loads((STORED / f"{name}.json").read_text()))
    after = json.loads(encode(decode(json.dumps(before))))
    before |= {"causes": [], "selection": "", "rerun": "", "left": []}  # keys of version 3 that a reader does not need
    for row in before["checks"]:
        row["looking"] = ""  # as above
    assert after == before


def _lifted(document: dict[str, Any]) -> dict[str, Any]:
    document |= {"schema_version": 4, "overrides": [], "seal": None}
    for row in document["checks"]:
        row["began"] = ""
        row["figures"] = [_lifted_figure(one) for one in row["figures"]]
        row["accruals"] = [one | {"hour_s": 3600.0} for one in row["accruals"]]
        row["plots"] = [{"kind": one["kind"], **one["data"]} for one in row["plots"]]
        for plot in row["plots"]:
            if plot["kind"] == "windows":
                plot["spans"] = [one | {"hour_s": 3600.0} for one in plot["spans"]]
            else:
                plot |= {"client_ms": [], "percentile": 0.95, "failed": 0}
    return document


def _lifted_figure(figure: dict[str, Any]) -> dict[str, Any]:
    known = {key: figure.get(key) for key in Figure.__struct_fields__ if key not in {"not_finite", "details"}}
    details = {key: value for key, value in figure.items() if key not in known}
    return known | {"not_finite": {}, "details": details}
