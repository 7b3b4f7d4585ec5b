"""The list of known failures as people write it: read, or refused with the file, the entry and the key."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from gate.known import MOST_AHEAD, Known
from gate.known_file import load_known

TODAY = date(2026, 11, 24)
ENTRY = """
["threads.metadata[1 MiB]"]
owner = "backend team"
reason = "answers are cut"
expires = {expires}
"""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    return tmp_path / "known.toml"


def test_without_a_file_nothing_is_known() -> None:
    assert load_known(None, TODAY) == {}


@pytest.mark.parametrize("days, expired", [(-1, True), (0, False), (1, False), (MOST_AHEAD.days, False)])
def test_an_entry_counts_until_its_date(listed: Path, days: int, *, expired: bool) -> None:
    expires = TODAY + timedelta(days=days)
    listed.write_text(ENTRY.format(expires=expires))
    assert load_known(listed, TODAY) == {
        "threads.metadata[1 MiB]": Known(
            name="threads.metadata[1 MiB]",
            owner="backend team",
            reason="answers are cut",
            expires=expires,
            expired=expired,
        )
    }


@pytest.mark.parametrize(
    "text, said",
    [
        ("[", "can't be read: "),
        ("a = " + "[" * 20_000, "can't be read: maximum recursion depth"),
        ("a = " + "9" * 20_000, "can't be read: Exceeds the limit"),
        ("a = \0", "can't be read: "),
        ('["a.b"]\nowner = "x"\n', "entry 'a.b' lacks reason, expires; each needs all three."),
        ('["a.b"]\nowner = ""\nreason = "y"\nexpires = 2026-12-24\n', "entry 'a.b' lacks owner; each"),
        ('"a.b" = 1\n', "entry 'a.b' lacks owner, reason, expires; each"),
        (ENTRY.format(expires='"2026-12-24"'), "has an `expires` that is not a date (2026-12-24); each"),
        (ENTRY.format(expires="2026-12-24T10:00:00Z"), "has an `expires` that is not a date (2026-12-24); each"),
        (
            ENTRY.format(expires=TODAY + MOST_AHEAD + timedelta(days=1)),
            "is accepted until 2027-02-23, more than 90 days ahead: set its date to 2027-02-22 at the latest",
        ),
    ],
)
def test_a_mistake_names_the_file_the_entry_and_the_key(listed: Path, text: str, said: str) -> None:
    listed.write_text(text)
    with pytest.raises(pytest.UsageError) as refused:
        load_known(listed, TODAY)
    assert str(refused.value).startswith(f"known failures: {listed}")
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_named(listed: Path) -> None:
    with pytest.raises(pytest.UsageError, match=r"known failures: .*known\.toml can't be read: .*No such file"):
        load_known(listed, TODAY)


def test_each_entry_is_one_known_failure(listed: Path) -> None:
    listed.write_text(ENTRY.format(expires=TODAY) + ENTRY.format(expires=TODAY).replace("1 MiB", "null"))
    assert list(load_known(listed, TODAY)) == ["threads.metadata[1 MiB]", "threads.metadata[null]"]


def test_a_byte_order_mark_is_read_and_another_encoding_refused(listed: Path) -> None:
    listed.write_text(f"\ufeff{ENTRY.format(expires=TODAY)}", encoding="utf-8")
    assert list(load_known(listed, TODAY)) == ["threads.metadata[1 MiB]"]
    listed.write_text(ENTRY.format(expires=TODAY).replace("backend", "bäckend"), encoding="latin-1")
    with pytest.raises(pytest.UsageError, match="can't be read"):
        load_known(listed, TODAY)


@pytest.mark.parametrize("days, expired", [(0, False), (1, True)])
def test_a_known_failure_expires_while_a_run_goes_on(listed: Path, days: int, *, expired: bool) -> None:
    listed.write_text(ENTRY.format(expires=TODAY))
    (known,) = load_known(listed, TODAY).values()
    assert known.on(TODAY + timedelta(days=days)).expired is expired
