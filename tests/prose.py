"""What a person reads in the files of this repository: docstrings, comments, messages, pages, tables and templates.

Identifiers are not prose: names in code, keys of tables, strings of one word, and whatever stands in backticks, in a
block of code or in a template's own expressions.
"""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from tests.standing import ROOT

Text = tuple[int, str]  # the line where it begins, and its words with one blank between them

TEXTS = frozenset({".py", ".md", ".toml", ".ini", ".yml", ".yaml", ".html", ".j2", ".js"})
NOT_OURS = frozenset({"reports", "dist", "node_modules", "__pycache__"})
CODE_SPAN = re.compile(r"``[^`]*``|`[^`\n]*`")
NOT_PROSE = {
    ".md": re.compile(r"^```.*?^```$|<!-- vocabulary: begin -->.*?<!-- vocabulary: end -->", re.MULTILINE | re.DOTALL),
    ".toml": re.compile(r"^(?:[\w.-]+|\"[^\"\n]*\") = |^\[+[^\]\n]*\]+$", re.MULTILINE),
    ".j2": re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL),
}
PARAGRAPH = re.compile(r"(?:^.*\S.*\n?)+", re.MULTILINE)
MARK = re.compile(r"^\s*(?:#+[:@]?|//)\s", re.MULTILINE)
LEXEME = re.compile(r"\"{3}.*?\"{3}|'{3}.*?'{3}|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|#[^\n]*", re.DOTALL)
JOINT = re.compile(r"[\s\"'#\\]+(?:[rfb]{1,2}[\"'])?")  # what may stand between two words of one text in a Python file


def files() -> Iterator[Path]:
    """Every file of the repository in which a person reads text."""
    for folder, inner, names in os.walk(ROOT):
        inner[:] = sorted(one for one in inner if one not in NOT_OURS and (one[0] != "." or one == ".github"))
        yield from (path for name in sorted(names) if _is_text(path := Path(folder, name)))


def _is_text(path: Path) -> bool:
    return path.suffix in TEXTS or path.name == "Makefile"


def prose(name: str, source: str) -> Iterator[Text]:
    """The texts of a file with this name and source; for Python, docstrings and messages first, then comments."""
    suffix = Path(name).suffix
    texts = _of_python(source) if suffix == ".py" else _paragraphs(suffix, source)
    for line, text in texts:
        yield line, " ".join(CODE_SPAN.sub("…", text).split())


def flat(source: str) -> str:
    """A source's words with one blank between them, code and all: a phrase that is not here is not in its prose."""
    return JOINT.sub(" ", source)


def _paragraphs(suffix: str, source: str) -> Iterator[Text]:
    if suffix in NOT_PROSE:
        source = NOT_PROSE[suffix].sub(lambda found: "\n" * found[0].count("\n"), source)
    for found in PARAGRAPH.finditer(source):
        yield 1 + source.count("\n", 0, found.start()), MARK.sub("", found[0])


def _of_python(source: str) -> Iterator[Text]:
    yield from _strings(ast.parse(source))
    yield from _comments(source)


def _strings(tree: ast.AST) -> Iterator[Text]:
    """Constants and f-strings of more than one word; what is formatted into one is an ellipsis."""
    parts: set[int] = set()
    for node in ast.walk(tree):  # breadth first: an f-string comes before its parts
        if isinstance(node, ast.JoinedStr):
            parts |= {id(part) for part in node.values}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            text = node.value
        else:
            continue
        if len(text.split()) > 1:
            yield node.lineno, text


def _comments(source: str) -> Iterator[Text]:
    """Comments; those that stand alone on lines that follow each other are one text."""
    begun, last, words = 0, 0, list[str]()
    for found in LEXEME.finditer(source):
        if found[0][0] != "#":
            continue
        line = 1 + source.count("\n", 0, found.start())
        alone = not source[source.rfind("\n", 0, found.start()) + 1 : found.start()].strip()
        if words and not (alone and line == last + 1):
            yield begun, " ".join(words)
            words = []
        begun, last = (begun if words else line), line if alone else 0
        words.append(found[0].lstrip("#: "))
    if words:
        yield begun, " ".join(words)
