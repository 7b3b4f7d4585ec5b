"""Judgements are found where they stand, and struck out without anything else."""

import ast
from pathlib import Path

import pytest

from tests.prove.judgements import find_sites, site_at, without
from tests.standing import ROOT

SOURCE = '''"""A suite."""

def test_one(answer):
    """Claim."""
    if answer.status != 200:
        raise CheckFailure(
            expected="200 — ok",
            actual=str(answer),
        )
    try:
        answer.json()
    except ValueError as error:
        raise CheckFailure(expected="JSON", actual="none") from error
    if answer.late:
        raise Broken("we are late")
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/test_some.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_a_judgement_is_struck_out_and_nothing_else(tree: Path) -> None:
    first, second = find_sites(tree)
    assert (first.id, second.id) == ("suites/test_some.py::test_one#1", "suites/test_some.py::test_one#2")
    struck = without(SOURCE, first)
    assert "200 — ok" not in struck
    assert 'raise CheckFailure(expected="JSON"' in struck
    assert len(ast.parse(struck).body) == len(ast.parse(SOURCE).body)
    assert "from error" not in without(SOURCE, second)


def test_the_raise_of_a_line_is_found(tree: Path) -> None:
    sites = find_sites(tree)
    found = site_at(sites, "suites/test_some.py", 7)
    assert found == sites[0]
    assert site_at(sites, "suites/test_some.py", 15) is None


def test_every_judgement_of_the_suite_can_be_struck_out() -> None:
    sites = find_sites(ROOT)
    assert len({site.id for site in sites}) == len(sites)
    for site in sites:
        ast.parse(without((ROOT / site.file).read_text(encoding="utf-8"), site))
