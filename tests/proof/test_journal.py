"""A long command goes on where it ended, and its figures are on the page as they were measured."""

from pathlib import Path

import pytest

from tests.proof.journal import Journal, shard
from tests.proof.page import render, render_short
from tests.proof.record import Record, command_text, leave, read, take_over


def test_what_was_done_is_found_again_but_not_for_other_code(tmp_path: Path) -> None:
    path = tmp_path / "reports/journal.jsonl"
    Journal(path, "one").add(kind="shown", fault="a")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"digest": "one", "kind": "sho')  # killed while it wrote
    assert [line["fault"] for line in Journal(path, "one").read().of("shown")] == ["a"]
    assert not Journal(path, "two").read().lines


def test_the_shards_are_everything_once() -> None:
    items = [str(number) for number in range(10)]
    assert sorted(one for number in (1, 2, 3) for one in shard(items, f"{number}/3")) == items


@pytest.mark.parametrize("told", ["0/3", "4/3", "1", "a/b", "1/"])
def test_a_share_that_is_none_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="write it as 1/4"):
        shard([], told)


def test_a_record_is_taken_over_and_shown_with_its_command(tmp_path: Path) -> None:
    record = Record(
        proof="struck.some",
        command="make struck ONLY='health.*'",
        short="8 of 9 | proved",
        figures={"faults": 3},
        said=["`a`: no"],
        rows=[["x"], ["y|z"]],
    )
    leave(record, tmp_path / "left")
    assert take_over(tmp_path / "left", tmp_path / "kept") == ["struck.some"]
    assert read(tmp_path / "kept") == [record]
    page = render(read(tmp_path / "kept"))
    assert "## Every judgement is needed" in page
    assert "`make struck ONLY='health.*'`" in page
    assert "| y/z |" in page
    assert record.date.partition(" ")[0] in render_short([record])


def test_a_proofs_command_names_what_was_asked_for_and_nothing_else() -> None:
    assert (
        command_text("struck", ["health.*", "api.*"], SHARD="1/4", WHOLE="")
        == "make struck ONLY='health.* api.*' SHARD=1/4"
    )
    assert command_text("mutants", N=40, SEED=1) == "make mutants N=40 SEED=1"
    assert command_text("mutants", N=40, SEED=0) == "make mutants N=40 SEED=0", "without it another seed is taken"
    assert command_text("prove", [], SHARD="") == "make prove"
