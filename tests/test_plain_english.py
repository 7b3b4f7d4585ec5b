"""What a person reads is plain English: the phrases of `tests/plain_english.toml` do not come back."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.prose import files, flat, prose
from tests.standing import ROOT

TABLE: dict[str, Any] = tomllib.loads((ROOT / "tests/plain_english.toml").read_text(encoding="utf-8"))
PHRASES: list[dict[str, Any]] = TABLE["phrase"]
OWN = frozenset({"tests/plain_english.toml", "tests/test_plain_english.py"})  # they quote the phrases
PATTERNS = [re.compile(phrase["pattern"], re.IGNORECASE) for phrase in PHRASES]
ANY = re.compile("|".join(phrase["pattern"] for phrase in PHRASES), re.IGNORECASE)
CONTEXT = 50


def hits(name: str, source: str) -> Iterator[tuple[int, int, str]]:
    """Each phrase in the prose of a file: its number in the table, the line where its text begins, and its context."""
    if not ANY.search(flat(source)):
        return
    for line, text in prose(name, source):
        for number, pattern in enumerate(PATTERNS) if ANY.search(text) else ():
            for found in pattern.finditer(text):
                yield number, line, text[max(0, found.start() - CONTEXT) : found.end() + CONTEXT]


def test_the_phrases_only_become_fewer() -> None:
    left: dict[str, int] = TABLE["left"]
    count, shown = Counter[str](), dict[str, list[str]]()
    allowed = {(place, number) for number, phrase in enumerate(PHRASES) for place in phrase.get("allowed", {})}
    unused = set(allowed)
    for path in files():
        place = str(path.relative_to(ROOT))
        folder = place.partition("/")[0] if "/" in place else "top"
        for number, line, context in hits(path.name, path.read_text(encoding="utf-8")) if place not in OWN else ():
            unused.discard((place, number))
            if (place, number) not in allowed:
                count[folder] += 1
                instead = PHRASES[number]["instead"]
                shown.setdefault(folder, []).append(f"{place}:{line}: “{context}”; say: {instead}")
    more = [line for folder, lines in shown.items() if count[folder] > left.get(folder, 0) for line in lines]
    assert not more, "reword these:\n" + "\n".join(more)
    assert dict(count) == left, "fewer phrases are left than [left] of tests/plain_english.toml says: lower its numbers"
    assert not unused, "these places no longer have the phrase that they are allowed"


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase["found"].replace(" ", "-"))
def test_each_phrase_is_found_and_its_neighbours_pass(phrase: dict[str, Any]) -> None:
    own = PHRASES.index(phrase)
    assert own in {number for number, _, _ in hits("page.md", phrase["found"])}
    for text in phrase.get("passes", []):
        assert not list(hits("page.md", text))
    assert phrase["instead"]


@pytest.mark.parametrize(
    "name, source",
    [
        ("code.py", '"""Nobody\nreads it."""\n'),
        ("code.py", "x = 1\n# The row is read\n# anew.\n"),
        ("code.py", "x = 1  # nobody reads it\n"),
        ("code.py", 'raise ValueError(f"{text!r} is no "\n    "number")\n'),
        ("code.py", 'raise ValueError("nobody"\n    f" of {all}")\n'),
        ("page.md", "The rows are read\nanew.\n"),
        ("table.toml", 'key = "nobody reads it"\n'),
        ("table.toml", "# Nobody reads\n[nobody]\n"),
        ("page.html.j2", "<p>{{ row.name }} is no\n  {{ row.kind }}</p>"),
        ("Makefile", "test: $(READY)  ## run the tests anew\n"),
        ("workflow.yml", "on: push  # nobody waits\n"),
        ("report.js", "// Nobody reads it.\n"),
    ],
)
def test_prose_is_read_wherever_it_stands(name: str, source: str) -> None:
    assert len(list(hits(name, source))) == 1


@pytest.mark.parametrize(
    "name, source",
    [
        ("code.py", 'told = nobody(anew=True)["nobody"]\nassert told, f"{nobody} wrote"\n'),
        ("code.py", '"""What `nobody` is."""\nurl = "https://anew.example/#/nobody"\n'),
        ("page.md", "See `anew`.\n\n```python\nanew = True\n```\n"),
        ("page.md", "<!-- vocabulary: begin -->\n| valid token | | good token |\n<!-- vocabulary: end -->\n"),
        ("table.toml", '[nobody]\nanew = true\n"told" = 1\n'),
        ("page.html.j2", "{% if told %}{{ nobody }}{% endif %}"),
    ],
)
def test_identifiers_are_not_prose(name: str, source: str) -> None:
    assert not list(hits(name, source))


def test_a_texts_line_is_where_it_begins() -> None:
    assert [line for _, line, _ in hits("code.py", "x = 1\n\n# It is read\n# anew.\n")] == [3]
    assert [line for _, line, _ in hits("page.md", "Title\n\n```sh\nls\n```\n\nRead\nanew.\n")] == [7]


def test_the_files_of_every_package_are_read() -> None:
    read = {path.relative_to(ROOT).parts[0] for path in files()}
    assert {"gate", "probes", "fixtures", "suites", "twin", "docs", "deploy", "README.md", "Makefile"} <= read
    assert not [path for path in files() if ".venv" in path.parts or "reports" in path.relative_to(ROOT).parts[:1]]
    assert Path(__file__).resolve() in set(files())
