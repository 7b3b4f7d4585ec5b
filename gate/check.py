"""Declaring a check: a claim with a stable id. An id declared twice is an error that names both places."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

Need = Literal[
    "http",
    "auth",
    "ws",
    "db",
    "write",
    "logs",
    "run",
    "metrics",
    "prometheus",
    "token",
    "mint",
    "twin",
    # What a service may lack, according to its target:
    "health",
    "exposition",
    "app-trace",
    "credentials",
    "refresh-tokens",
    "json",
    "readiness",
    "head",
    "frontend",
    "document",
    "browser",
    "single",
    "logout",
    "agent",
    "server-timing",
    "messages",
    "talk",
    "counts",
    "operations",
    "guarded",
    "login",
    "login-key",
    # What the revision under test has only with traffic, and only before it:
    "serving",
    "alone",
    "shared",
]
Phase = Literal["smoke", "soak", "day", "candidate"]
BEFORE_TRAFFIC: Phase = "candidate"  # runs what smoke runs, on a revision without traffic, plus its own checks
NEEDS = frozenset(get_args(Need))
ALSO_NEEDS = "also_needs"  # a mark on one case of a check: what this case needs beyond the check's own needs
AT_THE_END = "at_the_end"  # a mark on a case that judges the whole run: it runs after all others
# A mark on a case that measures nothing and does nothing to anybody but its own users: it may be asked while other such
# cases are. What a service may stumble over (a poisoned row, a forged token) is not of that kind. With
# `takes_long=True` it is among the first of them to begin. With `goes_on=True` it is one that mostly waits: it begins
# first as well, and may go on while later cases take their turns; those that have to be alone come after its end.
BESIDE = "beside"
ATTRIBUTE = "__netra_check__"
Body = TypeVar("Body", bound=Callable[..., object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A declaration: what is claimed, what the target must offer for it, what to do when it does not hold."""

    id: str  # stable, `family.name`; reports, history and known failures refer to it
    requirement: str  # what must hold, as one sentence
    needs: frozenset[str]  # what the target must offer (see `Need`); otherwise the check is NOT_APPLICABLE
    phase: Phase  # in which the check runs
    remedy: str  # what to do when it fails: the fix of the audit report that it points to
    claim: str  # the first line of the test's docstring
    place: str  # the test's file and line
    # Where to look when it fails, as one line of Markdown; `$BACKEND`, `$AUTH` and `$TOKEN` stand for the services'
    # base URLs and a valid token, as in the report's `curl` lines.
    looking: str = ""

    @property
    def family(self) -> str:
        """The part of the id before the first dot, such as `release`, `health` or `threads`."""
        return self.id.partition(".")[0]

    def runs_in(self, phase: str) -> bool:
        """Whether the check belongs to a phase: the candidate phase includes all of smoke's."""
        return self.phase == phase or (phase == BEFORE_TRAFFIC and self.phase == "smoke")


def check(
    check_id: str, *, requirement: str, needs: str = "", phase: Phase = "smoke", remedy: str = "", looking: str = ""
) -> Callable[[Body], Body]:
    """Declare the decorated test as the check `check_id`. The arguments are the fields of `Check`; `needs` has spaces.

    Raises:
        ValueError: A need that no target can offer, or an id without a family.
    """
    unknown = set(needs.split()) - NEEDS
    if unknown or "." not in check_id:
        raise ValueError(f"check {check_id!r}: {'unknown needs ' + str(sorted(unknown)) if unknown else 'no family'}")

    def declare(body: Body) -> Body:
        declared = Check(
            id=check_id,
            requirement=requirement,
            needs=frozenset(needs.split()),
            phase=phase,
            remedy=remedy,
            looking=looking,
            claim=(body.__doc__ or "").strip().partition("\n")[0],
            place=_place(body),
        )
        setattr(body, ATTRIBUTE, declared)
        return body

    return declare


def _place(body: Callable[..., object]) -> str:
    code = getattr(body, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(body)
