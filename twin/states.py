"""Every state that the system was in: the faults that make it, or the revision that was deployed."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from twin.switching.registry import declared, find

AS_WRITTEN = "as-written."
STATES: Mapping[str, tuple[str, ...] | None] = {
    "fixed": (),
    # As found on 7 January: the three kinds of 500.
    "as-reported": (
        "data.row-sql-null",
        "threads.none-for-dict",
        "auth.rest-fails-now-and-then",
        "websocket.coroutine-at-connect",
    ),
    "as-written": None,  # the report's fixes taken literally: every fault of that family
}
# The service as its public code is, from recorded answers (twin/deployed): by state, the revision in its `wire.toml`.
DEPLOYED: Mapping[str, str] = {
    "as-deployed": "7-september",
    "as-deployed-beta-10": "beta-10",
    "as-deployed-18-september": "18-september",
}


class UnknownNameError(Exception):
    """A state or a fault that does not exist; the text says which do."""


def faults_of(state: str, more: list[str]) -> list[str]:
    """The faults of a state and further ones. Raises UnknownNameError with near matches."""
    if state in DEPLOYED:
        if more:
            raise UnknownNameError(
                f"state {state!r} is what was deployed: no fault is shown on it, {more[0]!r} neither."
            )
        return []
    if state not in STATES:
        raise UnknownNameError(f"there is no state {state!r}: known are {', '.join([*STATES, *DEPLOYED])}.")
    own = STATES[state]
    _refuse_unknown(more)
    ids = list(own) if own is not None else [one for one in declared() if one.startswith(AS_WRITTEN)]
    return [*ids, *(one for one in more if one not in ids)]


def faults_of_candidate(ids: list[str]) -> list[str]:
    """Faults that one of two revisions can have alone. Raises UnknownNameError, with where another one is."""
    _refuse_unknown(ids)
    for one in ids:
        parts = {part.place for part in find([one]).values()}
        if parts != {"backend"}:
            shared = ", ".join(sorted(parts - {"backend"}))
            raise UnknownNameError(
                f"fault {one!r} is in what both revisions share ({shared}): it can't be in one alone."
            )
    return ids


def _refuse_unknown(ids: Iterable[str]) -> None:
    found = find(ids)
    for one in ids:
        if one not in found:
            known = [key for key, fault in declared().items() if not fault.dependency]
            near = get_close_matches(one, known, n=5, cutoff=0.4)
            hint = f" Near: {', '.join(near)}." if near else ""
            raise UnknownNameError(f"there is no fault {one!r}.{hint} `make faults` lists all {len(known)}.")
