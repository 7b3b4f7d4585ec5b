"""No suite and no fixture holds a literal of the wire: what a service calls things stands in the contract alone.

A *word of the wire* is a text that `targets/contract.toml` gives as a path, a header, a field or the name of a
message, an error or a check: every text below `WIRE`, the names of its headers and claims, and the names of the
properties of its JSON Schemas. A *literal* is a string constant in `suites/` or `fixtures/` that equals such a word, or
that holds one of the contract's paths of more than one segment. Docstrings and what `@check` says of itself are prose.
`NOT_OF_THE_WIRE` lists the words that are also ours, with the reason.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standing import ROOT

CONTRACT: dict[str, Any] = tomllib.loads((ROOT / "targets/contract.toml").read_text(encoding="utf-8"))
WIRE = (
    "paths",
    "login",
    "validation",
    "refusal",
    "errors",
    "threads",
    "health",
    "websocket",
    "metrics",
    "tokens",
    "api",
)
NAMED = frozenset({"properties", "headers", "compare", "extra_claims", "repeats"})  # their keys are words of the wire
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
MODULES = sorted([*ROOT.glob("suites/*.py"), *ROOT.glob("fixtures/*.py")])
NOT_OF_THE_WIRE = {
    "limit": "fixtures/threads.py: our word for a window's size, translated there by contract.threads.limit_parameter",
    "offset": "the same for where it begins",
    "updated_at": "fixtures/rows.py: a value that contract.threads.order_by itself may have",
    "created_at": "the same",
    "metadata": "suites/test_threads.py: a value that contract.threads.compare itself may have",
    "title": "the same",
    "owner": "the same, and the name of a user",
    "id": "the same",
    "thread": "fixtures/messages.py: the same of contract.threads.messages.compare",
    "role": "the same",
    "content": "the same",
    "messages": "what a check may need of a target: a table of them",
    "error": "a word of contract.websocket.after",
    "session": "the same",
    "error or close": "the same",
    "session or close": "the same",
    "object": "a JSON type",
    "string": "the same",
    "array": "the same",
    "integer": "the same",
    "null": "the same",
    "token": "our own: a keyword of HttpClient.send, a need of a check, a way to credentials",
    "{service_key}": "fixtures/http_services.py: what is replaced in a header that the contract gives",
    "ping": "a frame of RFC 6455, and so a case of websocket.protocol",
    "ok": "a word of English",
    "ready": "the same",
    "database": "the name of a fixture",
    "status": "a fact of an answer that we took ourselves (its HTTP status)",
    "environment": "no word of an answer: it is looked for in the service's description",
}


def texts(value: object) -> Iterator[str]:
    """Every text in a value, and the names of a schema's properties."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (item if key in NAMED else ())
            yield from texts(item)


def words() -> frozenset[str]:
    """The words of the wire, without those that are also ours and without single characters."""
    found = {word for section in WIRE for word in texts(CONTRACT[section])}
    return frozenset(word for word in found if len(word) > 1 and word not in NOT_OF_THE_WIRE)


def literals(source: str) -> Iterator[tuple[int, str]]:
    """The string constants of a module that are code: no docstring, and nothing that `@check` says."""
    tree = ast.parse(source)
    prose: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            prose.add(id(node.body[0].value))  # type: ignore[attr-defined]  # a docstring is an expression
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check":
            prose |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def of_the_wire(text: str) -> str:
    """The word of the wire that a text is, or the path that it holds; empty for neither."""
    paths = [path for path in CONTRACT["paths"].values() if path.count("/") > 1]
    return text if text in words() else next((path for path in paths if path in text), "")


@pytest.mark.parametrize("path", MODULES, ids=lambda it: str(it.relative_to(ROOT)))
def test_no_suite_and_no_fixture_holds_a_literal_of_the_wire(path: Path) -> None:
    found = [(line, word) for line, text in literals(path.read_text(encoding="utf-8")) if (word := of_the_wire(text))]
    assert not found, f"{path.name}: these are the contract's to say: {found}"


@pytest.mark.parametrize(
    "line", ['get("user_id")', 'x = "/api/threads?limit=5"', 'x == "heartbeat_ack"', 'x = {"X-Service-Key": key}']
)
def test_a_literal_of_the_wire_would_be_found(line: str) -> None:
    assert [text for _, text in literals(line) if of_the_wire(text)]


def test_prose_is_no_literal() -> None:
    text = '"""/api/threads"""\n@check("a.b", remedy="heartbeat_ack")\ndef test() -> None:\n    """/api/threads."""\n'
    assert not [text for _, text in literals(text) if of_the_wire(text)]


def test_each_word_that_is_excepted_is_one() -> None:
    every = {word for section in WIRE for word in texts(CONTRACT[section])}
    assert not [word for word in NOT_OF_THE_WIRE if word not in every]
