"""A token's life: whose it is at every door, and that it ends with its expiry and with its logout."""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from fixtures.doors import DoorName, Doors
from fixtures.http_services import AuthDoor, seen
from fixtures.sockets import SocketDoor, refusal
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from probes.auth.forgeries import Forgery
from probes.auth.tokens import Mint, User
from probes.errors import ProbeError
from probes.secret import Secret
from probes.waiting import await_steady
from probes.websocket.sessions import Session
from probes.window import SteadyClock
from targets.contract import Contract

SHORT_S = 4.0  # what is left of a token's life when it is first shown


async def refuse_unless_it_ends(doors: Doors, token: Secret, contract: Contract, recorder: Recorder, why: str) -> None:
    """Raise CheckFailure unless every door refuses the token within the contract's time after its end."""
    within_s, begun = contract.tokens.ends_within_s, time.monotonic()
    for door in doors.names:
        last = ""

        async def look(door: DoorName = door) -> str:
            nonlocal last
            said = await doors.ask(door, Forgery("ended", token))
            last = said.detail if said else ""
            return "" if said is None or said.decision == "refused" else f"{door} lets it in"

        left = max(within_s - (time.monotonic() - begun), 0.5)
        if not (await await_steady(look, in_a_row=1, deadline_s=left)).steady:
            expected = f"{door} refuses a token within {within_s:g} s of its {why} (contract.tokens.ends_within_s)"
            raise CheckFailure(expected=expected, actual=last)
    took = time.monotonic() - begun
    recorder.figures(rule=f"until every door refused after {why}", value=round(took, 2), unit="s", limit=within_s)


@check(
    "auth.ends",
    requirement="a token is refused after its expiry, and after its logout, at every door, within a stated time",
    needs="auth http mint",
    remedy="Ask about a token's end on every use: a cache of decisions must not outlive the token, or hear of logouts.",
)
@pytest.mark.parametrize("end", ["expiry", pytest.param("logout", marks=pytest.mark.also_needs("logout"))])
async def test_a_token_ends(
    doors: Doors, auth: AuthDoor, mint: Mint, owner: User, contract: Contract, recorder: Recorder, end: str
) -> None:
    """The token is taken at every door first; after its end no door takes it any more."""
    life_s = contract.tokens.lifetime_s
    clock = SteadyClock()  # a clock that jumps would end the token for us alone
    issued = clock.now_s() - (life_s - SHORT_S if end == "expiry" else 0.0)
    token = mint.good(owner, now=issued)
    for door in doors.names:
        said = await doors.ask(door, Forgery("good", token))
        if said is None or said.decision == "let in":
            continue
        if end == "expiry" and clock.now_s() >= int(issued) + life_s:
            raise Broken(f"our side was too slow to show the token at {door} before it ended")
        await doors.refuse_shut([door])
        raise CheckFailure(expected=f"{door} takes the token while it is good", actual=said.detail)
    if end == "logout":
        answer = await auth.post(contract.paths.auth_logout, token=token)
        if answer.status not in range(200, 300):
            raise CheckFailure(expected="a logout (contract.paths.auth_logout)", actual=seen(answer))
    else:
        await await_steady(_over(clock, int(issued) + life_s), in_a_row=1, deadline_s=SHORT_S + 5)
    await refuse_unless_it_ends(doors, token, contract, recorder, end)


def _over(clock: SteadyClock, end: float) -> Callable[[], Awaitable[str]]:
    """A look that is content once a moment lies behind us."""

    async def look() -> str:
        return "" if clock.now_s() > end + 1 else "the token has not ended yet"

    return look


@check(
    "auth.session-ends",
    requirement="a session ends when its token is logged out, within a stated time",
    needs="auth ws mint logout",
    remedy="Have a session ask about its token again, or be told of the logout.",
)
async def test_a_session_ends_with_its_tokens_logout(
    sockets: SocketDoor, auth: AuthDoor, mint: Mint, owner: User, contract: Contract, recorder: Recorder
) -> None:
    """A session that was open when its token was logged out is closed by the server when it is used next."""
    token = mint.good(owner)
    session = await sockets.try_open(token, good=True)
    if not isinstance(session, Session):
        raise CheckFailure(expected="a session for a good token", actual=refusal(session))
    answer = await auth.post(contract.paths.auth_logout, token=token)
    if answer.status not in range(200, 300):
        raise CheckFailure(expected="a logout (contract.paths.auth_logout)", actual=seen(answer))
    within_s, begun = contract.tokens.ends_within_s, time.monotonic()

    async def look() -> str:
        with suppress(ProbeError):  # whether it is answered is not the question: a session that hangs has not ended
            await session.send({"type": session.dialect.ping})
        return "" if session.closed is not None else "the session has not been closed"

    if not (await await_steady(look, in_a_row=1, deadline_s=within_s)).steady:
        expected = f"the session is closed within {within_s:g} s of its token's logout (contract.tokens.ends_within_s)"
        raise CheckFailure(expected=expected, actual="it goes on")
    recorder.figures(rule="until the session ended", value=round(time.monotonic() - begun, 2), unit="s", limit=within_s)
