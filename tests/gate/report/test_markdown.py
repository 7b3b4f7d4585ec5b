"""The summary as a forge shows it: a server's text has no effect in it, and stays as it was."""

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gate.document import with_causes
from gate.figures import ServerLine
from gate.plain_text import unaddressed
from gate.report.checklist import answered
from gate.report.markdown import render_markdown
from tests.gate.report.samples import FAILED, document, row

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
MARKED = "in __init__ of *args, **kwargs ~~x~~ a\\b \\* `open &lt; && _x_ snake_case a|b"
TRACE = """Traceback (most recent call last):
  File "/app/x.py", in __init__
    @app.get(`a`, ```b```)
ValueError: a"""


def read(text: str) -> list[Token]:
    return [inner for token in READER.parse(text) for inner in (token, *(token.children or ()))]


def summary(actual: str, trace: str = TRACE) -> str:
    lines = [ServerLine("2026-11-24T00:00:00Z", "ERROR", "0af7", trace)]
    return render_markdown(answered(with_causes(document(row("a.b", FAILED, actual=actual, server_lines=lines)))))


def test_what_came_is_shown_as_it_came() -> None:
    tokens = read(summary(MARKED))
    shown = ["".join(one.content for one in token.children or ()) for token in tokens if token.type == "inline"]
    assert any(f"got {MARKED}" in text for text in shown)
    assert not {"em_open", "s_open", "html_inline", "link_open"} & {token.type for token in tokens}


def test_a_traceback_is_a_block_of_code_line_by_line() -> None:
    (block,) = [token for token in read(summary("x")) if token.type == "fence"]
    assert block.content.splitlines() == TRACE.splitlines()


@pytest.mark.parametrize(
    "text, shown",
    [
        ("ask @octocat, @org/team, @here", "ask @ octocat, @ org/team, @ here"),
        ("fixes #12, ada/repo#7", "fixes # 12, ada/repo# 7"),
        ("ada@example.org, a@1, C# and #x", "ada@example.org, a@1, C# and #x"),
    ],
)
def test_nobody_is_addressed(text: str, shown: str) -> None:
    assert unaddressed(text) == shown == unaddressed(shown)
    assert f"got {shown}" in summary(text)
