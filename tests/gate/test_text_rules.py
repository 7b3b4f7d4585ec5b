"""A rule that is not tried would have changed nothing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gate import credential_rules, plain_text
from gate.text_rules import ODD_LETTERS, Rule, apply

PIECES = [
    "VERDICT:",
    "verdict :",
    "::error",
    ":: Warning",
    "##vso[",
    "##[",
    "![",
    "](",
    "]: <",
    "<b",
    "<!",
    "javascript :",
    "vbscript:",
    "data: text/html :",
    "data :",
    "Bearer ",
    "basic Abc123=",
    "://u:p@h",
    "://u:secret1…",
    "password=abcd",
    '"secret": "abcd"',
    "API_KEY=abcd",
    "api-key: abcde",
    "apikey=abcde",
    "DB_PASSWORD=abcd",
    " ",
    "\n",
    "⏎",
    "é",
    "x",
]
# By the odd letter, what a pattern takes for a word with the usual one.
ODD = {
    "\u0130": "VERD\u0130CT:",
    "\u0131": "VERD\u0131CT:",
    "\u017f": "java\u017fcript:",
    "\u212a": "api_\u212aey=abcd",
}
PIECES += [*ODD.values(), "ba\u017fic Abc123=", "\u017fcript"]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)


def always(rules: tuple[Rule, ...], text: str) -> str:
    for rule in rules:
        text = rule.pattern.sub(rule.put, text)
    return text


@pytest.mark.parametrize("rules", [plain_text.RULES, credential_rules.RULES], ids=["plain text", "redaction"])
@given(text=TEXTS)
@example(text="".join(PIECES))
def test_a_text_comes_out_as_if_each_rule_were_tried(rules: tuple[Rule, ...], text: str) -> None:
    assert apply(rules, text) == always(rules, text)


@pytest.mark.parametrize("letter", ODD_LETTERS)
def test_a_letter_that_a_pattern_takes_for_another_is_looked_at(letter: str) -> None:
    rules = (*plain_text.RULES, *credential_rules.RULES)
    assert always(rules, ODD[letter]) != ODD[letter], "the pattern does take it"
    assert apply(rules, ODD[letter]) == always(rules, ODD[letter])
