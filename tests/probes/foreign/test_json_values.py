"""Foreign JSON is read up to a depth and a number of values, and a refusal says which bound it met."""

import pytest

from probes.foreign.json_values import read_json, refuse_size
from probes.foreign.limits import JSON_DEPTH, JSON_VALUES


def deep(depth: int, opening: str = "[", closing: str = "]", inner: str = "") -> bytes:
    return (opening * depth + inner + closing * depth).encode()


@pytest.mark.parametrize(
    "text", [deep(JSON_DEPTH), deep(JSON_DEPTH, '{"a":', "}", "1"), deep(JSON_DEPTH, inner='"[[[{{{"')]
)
def test_a_document_may_be_as_deep_as_the_bound(text: bytes) -> None:
    assert read_json(text)


@pytest.mark.parametrize("text", [deep(JSON_DEPTH + 1), deep(JSON_DEPTH + 1, '{"a":', "}", "1")])
def test_one_that_is_deeper_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=f"^nested over {JSON_DEPTH} deep$"):
        read_json(text)


@pytest.mark.parametrize("one", ["[]", "{}", '{"a": []}', r'"\"[[["', '["]", {"}": 1}]'])
def test_many_brackets_beside_each_other_are_not_deep(one: str) -> None:
    many = ",".join([one] * (2 * JSON_DEPTH))
    assert len(read_json(f"[{many}]".encode())) == 2 * JSON_DEPTH


def test_a_document_may_have_as_many_values_as_the_bound_and_no_more() -> None:
    refuse_size(b"[" + b"1," * (JSON_VALUES - 1) + b"1]")
    with pytest.raises(ValueError, match=f"^over {JSON_VALUES} values$"):
        refuse_size(b"[" + b"1," * JSON_VALUES + b"1]")
    with pytest.raises(ValueError, match=f"^over {JSON_VALUES} values$"):
        refuse_size(b"[" + b"[]," * (JSON_VALUES // 2) + b"[]]")
    refuse_size(b'["' + b",[{" * JSON_VALUES + b'"]')


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_no_number_for_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is not a JSON number$"):
        read_json(f'{{"a": {name}}}'.encode())


def test_a_number_that_no_float_holds_is_shown_from_its_beginning() -> None:
    with pytest.raises(ValueError, match=r"^-1e999 is more than a number can be$"):
        read_json(b"[-1e999]")
    with pytest.raises(ValueError, match=r"^9{40}… is more than a number can be$"):
        read_json(b"9" * 400 + b".0")
    assert read_json(b"[1e308, -0.0, 12345678901234567890]") == [1e308, 0.0, 12345678901234567890]


@pytest.mark.parametrize("data", ["{}".encode("utf-16"), b'"\xff"', b"{} x", b"", b"'a'"])
def test_anything_but_one_document_of_utf_8_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"codec|Extra data|Expecting value"):
        read_json(data)
