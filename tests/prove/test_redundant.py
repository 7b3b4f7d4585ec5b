"""What is listed as proved by no fault is a judgement that there is, with a reason; what is out of date is named."""

from pathlib import Path

import pytest

from tests.prove import redundant
from tests.prove.judgements import find_sites
from tests.prove.redundant import KINDS, listed, stale
from tests.prove.struck_report import Found
from tests.standing import ROOT


def test_each_line_names_a_judgement_and_a_reason() -> None:
    sites = {site.id for site in find_sites(ROOT)}
    assert sorted(listed().keys() - sites) == []
    assert {one.kind for one in listed().values()} <= KINDS.keys()
    tests = {one.why for one in listed().values() if one.kind == "elsewhere"}
    assert [path for path in tests if not (ROOT / path).is_file()] == []
    assert [one.why for one in listed().values() if one.kind != "elsewhere" and not one.why.endswith(".")] == []


def test_a_kind_that_there_is_not_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "redundant.toml").write_text('[obvious]\n"a::b#1" = "It is."\n', encoding="utf-8")
    monkeypatch.setattr(redundant, "TABLE", tmp_path / "redundant.toml")
    with pytest.raises(KeyError, match="obvious is none of words"):
        listed.__wrapped__()


def test_what_is_gone_or_proved_is_out_of_date() -> None:
    one, other = sorted(listed())[:2]
    assert stale(listed(), []) == []
    assert stale(listed(), [one]) == [one]
    assert stale(listed().keys() - {other}, [one]) == [one, other]


def test_a_judgement_is_proved_or_listed_or_named() -> None:
    sites = {site.id: site for site in find_sites(ROOT)}
    left = sorted(site.id for site in sites.values() if site.judges and site.id not in listed())
    proved, caught, *never = left
    shown = {"a.fault": {proved: ["a.case"], caught: ["a.case"]}}
    found = Found(sites=sites, shown=shown, proved=frozenset({proved}), asked=1, whole=True)
    assert (found.unproved, found.unreached, found.stale) == ([caught], never, [])
    assert found.text.startswith(f"1 of {len(left) + len(listed()) - _of_probes()} judgements")
    part = Found(sites=sites, shown=shown, proved=frozenset({proved}), asked=2, whole=False)
    assert (part.unreached, part.text) == ([], "1 of 2 judgements are proved by a fault")


def _of_probes() -> int:
    """Listed ones that are a judgement only where a case has ended on them."""
    return len([site for site in find_sites(ROOT) if site.id in listed() and not site.judges])
