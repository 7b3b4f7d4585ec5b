"""The shares of faults that the reports put down to one cause, with the right fix, from `make prove`'s documents."""

import ast
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from msgspec.structs import replace

from gate.cause_table import known_causes
from gate.document import with_causes
from gate.outcomes import Outcome
from gate.verdict_document import encode
from tests.catalogue import ROOT
from tests.gate.documents import make_document
from tests.prove.causes import FIXES, fix_of, fixed_share, lost_in_another, main, pairs, read_kept, share
from twin.switching.registry import declared


def keep(folder: Path, fault: str, *families: str, remedy: str = "", saw: str = "words of its own") -> None:
    document = make_document(folder / "runs", {f"{family}.check": Outcome.FAILED for family in families})
    rows = [replace(row, actual=f"{row.family} answered in {saw}", remedy=remedy) for row in document.checks]
    (folder / f"{fault}.json").write_bytes(encode(with_causes(replace(document, checks=rows))))


def test_the_share_counts_faults_of_one_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path, "health.lies", "health", remedy="Fix 5")
    keep(tmp_path, "auth.two-things", "auth", "threads")
    keep(tmp_path, "healthy-smoke", "health")
    assert [fault.fault for fault in read_kept(tmp_path)] == ["auth.two-things", "health.lies"]
    assert share(read_kept(tmp_path)) == fixed_share(read_kept(tmp_path)) == 0.5
    assert main([str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "auth.two-things: 2 causes" in printed
    assert "auth.two-things: the remedy lacks 'Verify signature" in printed
    assert "1 of 2 faults are one cause: 50.0%" in printed
    assert "1 of 2 remedies are the fault's own fix: 50.0%" in printed


def test_both_shares_have_to_be_as_wanted(tmp_path: Path) -> None:
    keep(tmp_path, "health.lies", "health", remedy="look elsewhere")
    assert main([str(tmp_path)]) == 1
    keep(tmp_path, "health.lies", "health", remedy="Fix 5")
    assert main([str(tmp_path)]) == 0


def test_two_faults_that_would_be_one_cause_together_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, "auth.first", "auth", remedy="Fix 4", saw="one way that is seen")
    keep(tmp_path, "health.second", "health", saw="quite another way")
    together = pairs(read_kept(tmp_path))
    assert [(one.fault, other.fault) for one, other in together[:1]] == [("auth.first", "health.second")]
    assert list(lost_in_another(together)) == []
    same = "the same long clause that is said of both: one more that both have"
    keep(tmp_path, "health.second", "health", saw=f"x, {same}")
    keep(tmp_path, "auth.first", "auth", remedy="Fix 4", saw=f"y, {same}")
    assert ("auth.first", "health.second") in lost_in_another(pairs(read_kept(tmp_path)))
    main([str(tmp_path)])
    assert "auth.first and health.second, both at once, would be one cause" in capsys.readouterr().out


def test_two_faults_that_turn_the_same_or_have_one_remedy_are_no_pair(tmp_path: Path) -> None:
    keep(tmp_path, "auth.first", "auth", remedy="Fix 4")
    keep(tmp_path, "health.second", "auth", remedy="Fix 5")
    assert pairs(read_kept(tmp_path)) == []
    keep(tmp_path, "health.second", "health", remedy="Fix 4")
    assert pairs(read_kept(tmp_path)) == []


def test_every_fix_is_what_a_remedy_says_today() -> None:
    remedies = [*_literals("gate", "suites", "fixtures"), *(cause.remedy for cause in known_causes())]
    fixes = tomllib.loads(FIXES.read_text(encoding="utf-8"))["fixes"]
    alternatives = {alternative for fix in fixes.values() for alternative in fix.split("|")}
    assert [one for one in sorted(alternatives) if not any(re.search(one, said) for said in remedies)] == []


def _literals(*rooms: str) -> list[str]:
    """Every text in the code of some rooms; what an f-string puts in is left out."""
    paths = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    whole = ("".join(map(_text, node.values)) for node in nodes if isinstance(node, ast.JoinedStr))
    return [*whole, *filter(None, map(_text, nodes))]


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_no_documents_are_no_success(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 1


def test_every_fault_has_a_fix_and_every_fix_a_fault() -> None:
    faults = [key for key, one in declared().items() if not one.dependency]
    assert all(fix_of(fault) for fault in faults)
    patterns = tomllib.loads(FIXES.read_text(encoding="utf-8"))["fixes"]
    first = {next(pattern for pattern in patterns if fnmatchcase(fault, pattern)) for fault in faults}
    assert patterns.keys() == first
