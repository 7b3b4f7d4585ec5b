"""A crash in words: the error itself, also where several came together."""

import pytest

from gate.crash import reason_in_words


def test_the_reason_of_a_group_is_its_first_error() -> None:
    group = BaseExceptionGroup("several", [ExceptionGroup("inner", [RuntimeError("the driver died")]), OSError("x")])
    with pytest.raises(BaseExceptionGroup) as caught:
        raise group
    assert reason_in_words(caught.value) == "RuntimeError: the driver died"
