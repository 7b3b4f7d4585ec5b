"""A server's text is only text: whatever a reader could interpret is neutralised where it enters the document.

Readers of our reports interpret text: terminals interpret escape sequences, CI systems interpret lines that begin
with `::error::` or contain `##[command]`, Markdown loads images and links from anywhere, pages run scripts, people
trust text that a right-to-left override has reversed, and scripts look for the line `VERDICT: ...`. None of that is
left in any text. Neutralising twice changes nothing.
"""

import re

from gate.strict_json import JSON
from gate.text_rules import Rule, apply

MULTI_LINE = frozenset({"evidence", "server_lines"})  # shown as blocks; every other text is one line
NEW_LINE = " ⏎ "
# C0 and C1 without tab and newline; what turns the direction of text; what has no width; separators; tags; halves
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
COMMANDS = (
    "error|warning|notice|debug|group|endgroup|add-mask|set-output|save-state|set-env|add-path|add-matcher|remove-matcher|"
    "stop-commands|echo|internal-set-repo-path"
)
RULES = (
    # First, because the space that it inserts comes before a command; anywhere in a line, because terminals wrap.
    Rule(("verdict:",), re.compile(r"(VERDICT)(?=:)", re.IGNORECASE), r"\1 "),
    Rule(
        ("::",),
        re.compile(rf"(^|[\s⏎]):(?=:[A-Za-z])|:(?=:(?:{COMMANDS})\b)", re.IGNORECASE | re.MULTILINE),
        r"\1: ",
    ),
    Rule(("##",), re.compile(r"#(?=#(?:vso)?\[)", re.IGNORECASE), "# "),
    Rule(("![",), re.compile(r"!(?=\[)"), "! "),
    Rule(("](", "]:"), re.compile(r"\](?=\(|:[ \t<A-Za-z])"), "] "),
    Rule(("<",), re.compile(r"<(?=[A-Za-z/!?])"), "\u2039"),
    Rule(
        ("script", "data"),
        re.compile(r"((?:java|vb|live)script|data(?=[ \t]{0,8}:[ \t]{0,8}text/html))[ \t]{0,8}:", re.IGNORECASE),
        "\\1 \uff1a",
    ),
)


# Where a forge or a chat sees a name (@ada, @here) or a number (#12, owner/repo#12); not an address, and not C#.
MENTION = re.compile(r"(?<![A-Za-z0-9_.+-])@(?=[A-Za-z0-9])|#(?=\d)")


# Matches every text with something to neutralise; most texts have nothing, and are scanned only once.
SUSPECT = re.compile(f"[{UNSEEN.pattern[1:-1]}\\n:#!<\\]]")


def neutralise(text: str, *, multi_line: bool = False) -> str:
    r"""The text without anything that a terminal, a CI system, Markdown or a browser would interpret.

    Invisible characters are shown as Python escapes (`\x1b`, `\u202e`); what would be interpreted is split by a space
    or replaced by a look-alike. Without `multi_line` the result is one line.
    """
    if not SUSPECT.search(text):
        return text
    text = text.replace("\r\n", "\n")
    text = text if multi_line else text.replace("\n", NEW_LINE)
    return apply(RULES, UNSEEN.sub(_shown, text))


def unaddressed(text: str) -> str:
    """The text without a mention of a person, a team or an issue: a forge and a chat notify whom a text names."""
    return MENTION.sub(r"\g<0> ", text)


def neutralise_json(value: JSON, *, multi_line: bool = False) -> JSON:
    """A JSON value with every text in it neutralised, keys included; below `MULTI_LINE` texts keep their lines."""
    if isinstance(value, str):
        return neutralise(value, multi_line=multi_line)
    if isinstance(value, dict):
        return {
            neutralise(key): neutralise_json(item, multi_line=multi_line or key in MULTI_LINE)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [neutralise_json(item, multi_line=multi_line) for item in value]
    return value


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - widths of escapes
