"""Keys that are nearly a service's own: what a careless comparison takes for it, and equality does not."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from probes.secret import Learn, Secret


def _other_end(key: str) -> str:
    return f"{key[:-1]}{'1' if key.endswith('0') else '0'}"


def _or_twice(near: str, key: str) -> str:
    """What is near a key; the key twice where that would be nothing, or the key itself."""
    return near if near not in ("", key) else f"{key}{key}"


# Each is another text than the key itself. Blanks at the ends prove nothing: HTTP takes them off a header's value.
NEAR_KEYS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "first character": lambda key: _or_twice(key[:1], key),
        "first half": lambda key: _or_twice(key[: len(key) // 2], key),
        "second half": lambda key: _or_twice(key[len(key) // 2 :], key),
        "other last character": _other_end,
        "longer": lambda key: f"{key}0",
        "other case": lambda key: _or_twice(key.swapcase(), key),
        "blank inside": lambda key: _or_twice(f"{key[:1]} {key[1:]}".strip(), key),
    }
)


def near_key(kind: str, key: Secret, learn: Learn) -> Secret:
    """A key that is nearly the service's own; `learn` is given it, because it tells most of the right one."""
    near = key.derive(NEAR_KEYS[kind])
    learn(near)
    return near
