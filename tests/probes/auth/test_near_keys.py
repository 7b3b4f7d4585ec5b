"""What is nearly a key is never the key itself, however short or uniform that is."""

import pytest

from probes.auth.near_keys import NEAR_KEYS


@pytest.mark.parametrize("key", ["a service's key of 32 characters", "0", "00", "1234", "AB", "K"])
@pytest.mark.parametrize("kind", NEAR_KEYS)
def test_what_is_nearly_a_key_is_another_text(kind: str, key: str) -> None:
    near = NEAR_KEYS[kind](key)
    assert near.strip() not in {"", key}
