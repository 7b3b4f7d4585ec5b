"""Faults of how a key is compared, the services' and the login's: each lets in what is nearly the key."""

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.auth.service import Seams

Same = Callable[[str, str], bool]
SHOWN = 8  # characters of a key that logs and consoles show
# How a key is compared carelessly: what was given, and what is expected.
CARELESS: dict[str, tuple[Same, str]] = {
    "by-prefix": (lambda given, right: bool(given) and right.startswith(given), "startswith the wrong way round"),
    "by-containment": (lambda given, right: bool(given) and given in right, "`in` a list of keys that is one text"),
    "by-its-beginning": (
        lambda given, right: given[:SHOWN] == right[:SHOWN],
        "a key looked up by what a console shows",
    ),
    "without-case": (
        lambda given, right: given.lower() == right.lower(),
        "headers are case-insensitive, and so is this",
    ),
    "without-blanks": (lambda given, right: "".join(given.split()) == right, "pasted keys are cleaned of white space"),
}
# What is compared: the seam, and the attribute with the key.
KEYS = {"service": ("key_is_good", "service_key"), "login": ("opens", "login_key")}


def _declare(key: str, way: str) -> None:
    seam, attribute = KEYS[key]
    same, seen = CARELESS[way]

    def install(seams: "Seams") -> Undo:
        return replace(seams, **{seam: lambda seams, given: same(given, getattr(seams, attribute))})

    fault(f"auth.{key}-key-{way}", place="auth", seen=seen)(install)


for _key, _way in product(KEYS, CARELESS):
    _declare(_key, _way)
