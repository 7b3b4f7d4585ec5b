"""Which cases must pass for GO: `full` is written by hand, other profiles say what they leave out."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from targets.deviations import ABSENT, CORE
from targets.loading import HERE, ConfigurationError, read_toml
from targets.model import Target

PHASES = ("smoke", "soak", "day", "candidate")
SECTIONS = {"candidate": ("smoke", "candidate")}  # what a phase requires: its own section, or more than one
NEEDED_ELSEWHERE = frozenset(
    {"prometheus", "json", "readiness", "head", "document", "operations", "guarded", "login-key", "browser"}
)  # needs under which `full` requires more
Required = dict[str, tuple[str, ...]]  # check id -> case ids; () for a check without cases
# At a share of the traffic, whatever a profile leaves out: a step whose users were not checked is not one that
# went well. Flagger once passed a canary whose metric it did not know, and so never asked for (fluxcd/flagger#1581).
WATCHED: Required = {"release.share": ()}


def load_required(profile: str, phase: str, folder: Path | None = None, offers: Collection[str] = ()) -> Required:
    """The check ids that a profile requires in a phase, each with its case ids (none: a check without cases).

    A profile `extends` another one and leaves out the ids of its `without`, and every check and case that needs one
    of its `without_needs` (see `needs.toml`). The checks in its `where.<need>` are required only of a target that
    `offers` that need.

    Raises ConfigurationError for a profile that is in no `profiles.toml`, or that extends itself.
    """
    places = [place / "profiles.toml" for place in (folder, HERE) if place and (place / "profiles.toml").exists()]
    profiles: dict[str, dict[str, Any]] = {}
    for path in reversed(places):
        profiles |= read_toml(path)
    required: Required = {}
    for section in SECTIONS.get(phase, (phase,)):
        required |= _required(profile, section, profiles, (), offers)
    if phase != "candidate":
        return required
    kept = _without_needs(required, frozenset({"serving", "alone", "shared"} - set(offers)))
    return kept | (WATCHED if "shared" in offers else {})


def required_of(
    target: Target, phase: str, folder: Path | None, offers: Collection[str], profile: str = ""
) -> Required:
    """What a target requires in a phase: the cases of its profile (or another one), and its own required checks.

    Checks of things that the target calls absent are left out, and so are its own checks that write if it may not be
    written to, as in the profiles; and on a twin with users everything that breaks it on purpose.
    """
    own = [one for one in target.checks if one.required and "smoke" in SECTIONS.get(phase, (phase,))]
    asked = {one.id: () for one in own if "write" in offers or "write" not in one.all_needs}
    named = profile or target.required_profile
    required = without_absent(load_required(named, phase, folder, offers), target.gone, named) | asked
    return _without_needs(required, frozenset({"twin"} if target.twin.users else ()))


def without_absent(required: Required, absent: Collection[str], profile: str) -> Required:
    """The required cases without those of things that the service does not have, according to the target.

    Raises ConfigurationError if a required check needs something that the suite can't do without.
    """
    for name in sorted(set(absent) & CORE.keys()):
        left = _without_needs(required, frozenset({CORE[name]}))
        lost = sorted(check for check in required if check not in left)
        if lost:
            raise ConfigurationError(
                f"`absent` has {name!r}, but profile {profile!r} requires {len(lost)} checks that need it, such as "
                f"{', '.join(lost[:3])}: remove it from `absent`, or choose a profile that leaves them out."
            )
    return _without_needs(required, frozenset(ABSENT[name] for name in absent if name in ABSENT))


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise ConfigurationError for an accepted failure that is not a check, or not a case of a check with cases."""
    known = {
        f"{check}[{case}]" if case else check
        for phase in PHASES
        for check, cases in load_required("full", phase, offers=NEEDED_ELSEWHERE).items()
        for case in cases or ("",)
    }
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=3, cutoff=0.4)
            raise ConfigurationError(
                f"`accepted` has {name!r}, which is not a check or one of its cases. Similar names: {', '.join(near)}."
            )


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
    required |= {check: tuple(cases) for check, cases in described.get(phase, {}).items()}
    for need in sorted(offers):  # these are added, and so are further cases of a check
        more: dict[str, list[str]] = described.get("where", {}).get(need, {}).get(phase, {})
        required |= {check: (*required.get(check, ()), *cases) for check, cases in more.items()}
    kept = {check: cases for check, cases in required.items() if check not in described.get("without", [])}
    return _without_needs(kept, frozenset(described.get("without_needs", [])))


def _without_needs(required: Required, needs: frozenset[str]) -> Required:
    """The cases that don't need these. A check whose needs are unknown stays required."""
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
