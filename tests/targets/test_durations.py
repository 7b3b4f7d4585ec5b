"""Durations as people write them, and what a wrong one on a command line comes to before anything is started."""

from datetime import timedelta

import pytest

from targets.durations import USAGE, main, parse_duration


@pytest.mark.parametrize(
    "text,meant",
    [
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("1h30m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        (" 1.5h ", timedelta(minutes=90)),
    ],
)
def test_a_duration_is_read(text: str, meant: timedelta) -> None:
    assert parse_duration(text) == meant


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "1h30", "-1h", "1w"])
def test_what_is_not_a_duration_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match="write 90s, 10m, 1h, 1h30m or 2d"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3661d", "99999999999999d", f"{'9' * 400}s"])
def test_what_is_longer_than_ten_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is too long: at most 3660d"):
        parse_duration(text)


def test_good_ones_pass_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["1s", "1h"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "text,why", [("10", "'10' is not a duration: write 90s"), ("0.5s", "'0.5s' is too short: use at least one second")]
)
def test_the_first_wrong_one_is_a_usage_error_in_one_sentence(
    text: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["1h", text, "nonsense"]) == USAGE
    said = capsys.readouterr()
    assert said.err.startswith(f"DURATION {why}")
    assert (said.out, said.err.count("\n")) == ("", 1)
