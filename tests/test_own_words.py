"""Redaction leaves our own words alone: advice without the word that says what to do is useless."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.redaction import Redactor
from tests.arrows import files
from tests.standing import ROOT

PRODUCT = ("commands", "deploy", "fixtures", "gate", "probes", "suites", "targets")
NO_SENTENCES = {
    "gate/credential_rules.py": "its own patterns",
    "commands/describing/answers.py": "credentials that it presents, which no service may accept",
    "commands/preflight/process.py": "an address that it builds",
    "deploy/container/phase.py": "the name of a secret in Secret Manager",
}
FILLED = "value"  # what stands for a value in a text with values


def own_words(path: Path) -> Iterator[tuple[int, str]]:
    """Every text in a module, docstrings and patterns included, with its line."""
    inside: set[int] = set()
    for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match part:
            case ast.JoinedStr(values=values):
                inside |= {id(value) for value in values}
                yield (
                    part.lineno,
                    "".join(
                        value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else FILLED
                        for value in values
                    ),
                )
            case ast.Constant(value=str(text)) if id(part) not in inside:
                yield part.lineno, text


@pytest.mark.parametrize("room", PRODUCT)
def test_no_sentence_of_ours_loses_a_word(room: str) -> None:
    redact = Redactor().text
    found = {
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in files(room)
        if str(path.relative_to(ROOT)) not in NO_SENTENCES
        for line, text in own_words(path)
        if text.isprintable() and redact(text) != text  # a pattern may hold lone surrogates
    }
    assert not found


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


@pytest.mark.parametrize("path", sorted((ROOT / "targets").glob("*.toml")), ids=lambda path: path.stem)
def test_no_sentence_of_our_targets_loses_a_word(path: Path) -> None:
    redact = Redactor().text
    assert not [text for text in _texts(tomllib.loads(path.read_text(encoding="utf-8"))) if redact(text) != text]
