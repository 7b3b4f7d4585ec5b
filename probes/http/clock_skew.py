"""Whose clock is off, ours or the server's, judged by the Date of answers from two servers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from probes.errors import ProbeError
from probes.http.client import Answer, HttpClient
from probes.problem import Problem


@dataclass(frozen=True, slots=True)
class Clock:
    """A server's clock compared with ours: how many seconds it is ahead (negative: behind), and how sure that is."""

    name: str
    ahead_s: float
    give_or_take_s: float


async def read_clock(client: HttpClient, path: str) -> Clock | None:
    """The clock behind a URL, from one answer's Date; None if it can't be asked, or sends no Date that can be read."""
    begun = time.time()
    try:
        answer = await client.send("GET", path)
    except ProbeError:
        return None  # whether it can be reached is for other checks to say
    ended = time.time()
    said = date_of(answer)
    if not said:
        return None
    # Date is cut to whole seconds: on average it is half a second old.
    return Clock(client.base_url, said + 0.5 - (begun + ended) / 2, 0.5 + (ended - begun) / 2)


def date_of(answer: Answer) -> float:
    """When an answer says that it was made, in unix seconds, cut to whole ones; 0 where it does not say."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (ValueError, TypeError):
        return 0.0


def our_fault(clocks: Sequence[Clock], allowed_s: float) -> Problem:
    """What is known to be wrong with our own clock.

    Ours is off if two others agree with each other and not with us. If only one of them differs, the checks judge its
    tokens and time stamps.
    """
    if len(clocks) < 2:  # noqa: PLR2004 - it takes two to outvote us
        return ""
    least, most = min(clock.ahead_s for clock in clocks), max(clock.ahead_s for clock in clocks)
    nearest = min(abs(least), abs(most))
    agree = most - least <= allowed_s
    if not agree or least * most < 0 or nearest <= allowed_s:
        return ""
    names = " and ".join(clock.name for clock in clocks)
    way = "behind" if least > 0 else "ahead of"
    return f"our own clock is {nearest:.0f} s {way} those of {names}: set it (NTP) and run again"
