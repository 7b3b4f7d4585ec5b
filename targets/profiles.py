"""Which cases must pass for GO: `full` is a list by hand, other profiles say what they do without."""

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from targets.loading import HERE, ConfigurationError, read_toml
from targets.model import Target

Required = dict[str, tuple[str, ...]]  # check id -> case ids; () for a check without cases


def load_required(profile: str, phase: str, folder: Path | None = None, offers: Collection[str] = ()) -> Required:
    """The check ids that a profile requires in a phase, each with its case ids (none: a check without cases).

    A profile `extends` another one and leaves out the ids of its `without`, and every check and case that needs one
    of its `without_needs` (`needs.toml` says which do). What stands below its `where.<need>` is required of a target
    that `offers` that need, and of no other.

    Raises ConfigurationError for a profile that no `profiles.toml` holds, or one that extends itself.
    """
    places = [place / "profiles.toml" for place in (folder, HERE) if place and (place / "profiles.toml").exists()]
    profiles: dict[str, dict[str, Any]] = {}
    for path in reversed(places):
        profiles |= read_toml(path)
    return _required(profile, phase, profiles, (), offers)


def required_of(
    target: Target, phase: str, folder: Path | None, offers: Collection[str], profile: str = ""
) -> Required:
    """What a target requires in a phase: the cases of its profile (or of another one), and its own checks that say so.

    One of its own that takes leave to write is left out where there is none, as the profiles do it.
    """
    own = [one for one in target.checks if one.required and phase == "smoke"]
    asked = {one.id: () for one in own if "write" in offers or "write" not in one.all_needs}
    return load_required(profile or target.required_profile, phase, folder, offers) | asked


def _required(
    profile: str, phase: str, profiles: Mapping[str, dict[str, Any]], below: tuple[str, ...], offers: Collection[str]
) -> Required:
    if profile not in profiles or profile in below:
        what = "extends itself" if profile in below else "does not exist"
        raise ConfigurationError(
            f"Profile {profile!r} {what}: known are {', '.join(sorted(profiles))} (targets/profiles.toml)."
        )
    described = profiles[profile]
    required: Required = {}
    if "extends" in described:
        required |= _required(described["extends"], phase, profiles, (*below, profile), offers)
    where = [described.get("where", {}).get(need, {}) for need in sorted(offers)]
    for part in (described, *where):
        required |= {check: tuple(cases) for check, cases in part.get(phase, {}).items()}
    kept = {check: cases for check, cases in required.items() if check not in described.get("without", [])}
    return _without_needs(kept, frozenset(described.get("without_needs", [])))


def _without_needs(required: Required, needs: frozenset[str]) -> Required:
    """What is left for a target without these needs. A check of which the needs are not known stays required."""
    table = _needs()
    kept: Required = {}
    for check, cases in required.items():
        left = tuple(case for case in cases if not needs & set(table["cases"].get(f"{check}[{case}]", ())))
        if not needs & set(table["checks"].get(check, ())) and (left or not cases):
            kept[check] = left
    return kept


@cache
def _needs() -> dict[str, dict[str, list[str]]]:
    return read_toml(HERE / "needs.toml")
