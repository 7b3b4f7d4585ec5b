"""Sessions that are silent for a while, as in a tab that is only looked at."""

import asyncio
from contextlib import suppress

import pytest

from fixtures.sockets import SocketDoor
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.errors import NOT_ANSWERED, TooSlow
from probes.problem import Problem
from probes.websocket.closes import describe
from probes.websocket.sessions import Session
from targets.contract import Contract
from targets.model import Sizes

TABS = 3


@check(
    "websocket.silent",
    requirement="a session that is silent for a while stays open, and is answered afterwards",
    needs="ws token",
    remedy="Raise the idle timeout on the way (the server's, a proxy's read timeout), or have the server send pings.",
    looking="the age at the end, and how it ended: the same age each time is an idle timeout of what closed it",
)
@pytest.mark.beside(goes_on=True)
async def test_silence_ends_no_session(
    sockets: SocketDoor, owner: User, contract: Contract, sizes: Sizes, recorder: Recorder
) -> None:
    """Three tabs say nothing for a while, and send no ping frame either; then each of them is answered.

    If the contract lets a session be silent for less (idle_s), they are for half of that.
    """
    silent_s = min(sizes.silent_s, contract.websocket.idle_s / 2)
    tabs = await sockets.open_all(*[owner] * TABS)
    recorder.figures(rule="silent sessions", n=TABS, value=silent_s, unit="s")
    for problem in await asyncio.gather(*(_after_silence(tab, silent_s) for tab in tabs)):
        if problem:
            expected = f"a session stays open, and is answered, after {silent_s:g} s of silence"
            raise CheckFailure(expected=expected, actual=problem)


async def _after_silence(tab: Session, silent_s: float) -> Problem:
    """What is wrong with a session that is silent for this many seconds; empty if nothing is."""
    with suppress(TooSlow):  # it is open then, as it should be
        return describe(await tab.wait_closed(silent_s))
    try:
        await tab.ping()
    except NOT_ANSWERED as error:
        return error.detail
    return ""
