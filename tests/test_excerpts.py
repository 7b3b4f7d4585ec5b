"""Text from outside is cut by `foreign.excerpt` alone: a plain slice may leave a piece of a secret at its end."""

import ast
from collections.abc import Iterator

import pytest

from tests.arrows import files
from tests.standing import ROOT

TEXTS = frozenset({"text", "body", "detail", "message", "line", "reason", "path", "actual", "raw", "said", "content"})
MAKE_TEXT = frozenset({"str", "repr", "decode", "strip", "join", "dumps", "replace", "format", "get", "group", "title"})
SHORTEST = 12  # a shorter slice looks at a beginning, and is not shown
OURS = {
    "probes/database/connection.py": "our own name, as long as PostgreSQL takes one",
    "probes/google/google_api.py": "the digits of a number",
}


def _is_text(value: ast.expr) -> bool:
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in TEXTS
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in MAKE_TEXT
        case _:
            return isinstance(value, ast.JoinedStr | ast.Constant)


def _is_a_length(bound: ast.expr | None) -> bool:
    match bound:
        case ast.Constant(value=int(number)):
            return number >= SHORTEST
        case ast.Name(id=name):
            return name.isupper()
        case _:
            return False


def plain_cuts(source: str) -> Iterator[int]:
    """The lines of a module where a text is cut by a slice."""
    tree = ast.parse(source)
    shown = {id(part.value) for part in ast.walk(tree) if isinstance(part, ast.FormattedValue)}
    for part in ast.walk(tree):
        match part:
            case ast.Subscript(value=value, slice=ast.Slice(lower=None, upper=upper)) if _is_a_length(upper):
                listed = isinstance(value, ast.ListComp | ast.List)
                if _is_text(value) or (id(part) in shown and not listed):
                    yield part.lineno
            # The end of a text, without a mark: what is left of a token there does not look like one.
            case ast.Subscript(
                value=value, slice=ast.Slice(lower=ast.UnaryOp(op=ast.USub(), operand=size), upper=None)
            ):
                if _is_a_length(size) and _is_text(value):
                    yield part.lineno


@pytest.mark.parametrize("room", ["suites", "fixtures", "probes", "commands"])
def test_no_text_is_cut_by_a_slice(room: str) -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in files(room)
        if str(path.relative_to(ROOT)) not in OURS and path.name != "excerpt.py"
        for line in plain_cuts(path.read_text(encoding="utf-8"))
    }
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        "f'{answer.text[:200]!r}'",
        "str(raw)[:120]",
        "body[:MOST].decode()",
        "f'{anything[:80]}'",
        "f'{x}'[:300]",
        "output.strip()[-400:]",
    ],
)
def test_a_plain_cut_is_seen(code: str) -> None:
    assert list(plain_cuts(code)) == [1]


@pytest.mark.parametrize("code", ["', '.join(named[:MOST])", "errors[:20]", "text[:1] == '{'", "excerpt(text, 80)"])
def test_what_cuts_no_text_is_let_through(code: str) -> None:
    assert list(plain_cuts(code)) == []
