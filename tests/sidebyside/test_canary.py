"""The judge of candidates classifies as Kayenta's does: by the shift's interval against a quarter of the mean."""

import random

from tests.sidebyside.canary import is_high

DRAW = random.Random(5)  # noqa: S311 - a sample
CONTROL = [10 + DRAW.random() for _ in range(12)]


def test_a_metric_that_is_alike_or_lower_passes() -> None:
    assert not is_high(CONTROL, CONTROL[::-1])
    assert not is_high(CONTROL, [value * 1.1 for value in CONTROL])
    assert not is_high(CONTROL, [value / 2 for value in CONTROL])
    assert not is_high([0.0] * 12, [0.0] * 12)


def test_a_metric_that_grew_by_half_is_high() -> None:
    assert is_high(CONTROL, [value * 1.5 for value in CONTROL])
    assert is_high([0.0] * 12, [0.5] * 12)


def test_errors_now_and_then_are_not_enough() -> None:
    assert not is_high([0.0] * 12, [0.0] * 10 + [0.05] * 2)
