"""A token's lifetime: every door refuses it soon after it expires or is logged out, and its session ends.

These cases mostly wait, so they wait together, each with its own user, doors and evidence.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

import pytest

from fixtures.doors import DoorName, Doors, Said
from fixtures.http_services import refuse_server_error, seen
from fixtures.pace import Family
from fixtures.single_routes import SingleRoutes
from fixtures.sockets import refuse_refused
from fixtures.users import Borrow
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure, ShutDoor
from probes.auth.forgeries import Forgery, forge
from probes.auth.tokens import Held, Mint, User
from probes.errors import NOT_ANSWERED, ProbeError, TooSlow
from probes.http.client import Answer
from probes.http.clock_skew import date_of
from probes.secret import Secret
from probes.timing.waiting import await_steady
from probes.timing.window import SteadyClock
from probes.websocket.sessions import Session
from targets.contract import Contract
from targets.model import Sizes

Look = Callable[[Doors, Mint, User, Contract, Recorder], Awaitable[None]]
LEFT_S = (2.0, 6.0, 20.0)  # remaining lifetime of a token when it is first presented; more if that was not enough
BETWEEN_S = 0.2  # between two messages of a session that should end
UP_TO_ITS_END = "Accept a token up to its `exp`: a leeway is added to that moment, never taken off it."
VERIFY_FIRST = "Verify a token before its logout is believed: else anyone with its claims can end it."
ONE_TOKEN = "Revoke the one token by its `jti`, or what was issued before the logout: who logs in again must get in."
UNTIL_ITS_EXP = "Remember a logout until the token's own `exp`, where all instances see it: not for some seconds."
ONE_SESSION = "End the sessions of the token that is logged out, and no others: find them by its `jti`."
UNVERIFIED = ("wrong signature", "alg none")  # copies of a token that take no secret
# How a session is used after its logout: the share of the allowed time for which it is silent. A service may look at a
# session's token only if it has just been used.
USES = {"in use": 0.0, "silent at first": 0.4}


async def refuse_unless_it_ends(
    doors: Doors, token: Secret, contract: Contract, recorder: Recorder, why: str, remedy: str = ""
) -> None:
    """State when each door, and each route of a single thread, refused the token.

    Raises CheckFailure unless that is within the contract's time.
    """
    within_s, begun, single = contract.tokens.ends_within_s, time.monotonic(), SingleRoutes.beside(doors)

    async def wait(name: str, trouble: Callable[[], Awaitable[str]]) -> str:
        waited = await await_steady(trouble, in_a_row=1, deadline_s=within_s)
        took = round(time.monotonic() - begun, 2)
        recorder.figures(
            rule=f"until {name} refused after {why}", value=took, unit="s", limit=within_s, refused=waited.steady
        )
        return "" if waited.steady else f"{name}: {waited.attempts[-1]}"

    looks = {str(door): partial(_trouble_at, doors, door, token) for door in doors.names if door not in doors.shut}
    looks |= {" ".join(route): partial(single.trouble, route, token) for route in single.routes}
    still_open = [late for late in await asyncio.gather(*(wait(name, look) for name, look in looks.items())) if late]
    if still_open:
        expected = f"every door refuses a token within {within_s:g} s of its {why} (contract.tokens.ends_within_s)"
        raise CheckFailure(expected=expected, actual="; ".join(still_open), remedy=remedy)


async def _trouble_at(doors: Doors, door: DoorName, token: Secret) -> str:
    """What a door says to a token that has ended, unless it refuses it."""
    said = await doors.ask(door, Forgery("ended", token))
    return "" if said and said.decision == "refused" else said.detail if said else "not asked"


@check(
    "auth.ends",
    requirement="every door refuses a token within a stated time after it expires or is logged out, and none before",
    needs="auth http mint",
    remedy="Check on every use whether the token has ended: a cache of decisions must not outlive the token, and "
    "must be cleared on logout.",
    looking="which door still takes it, and for how long, in the evidence; what is cached, and under which key",
)
@pytest.mark.beside(goes_on=True)
@pytest.mark.parametrize("end", ["expiry", pytest.param("logout", marks=pytest.mark.also_needs("logout"))])
async def test_a_token_ends(
    waiting: Family, doors: Doors, mint: Mint, borrow: Borrow, contract: Contract, sizes: Sizes, end: str
) -> None:
    """Every door accepts the token at first; after its end no door does, nor any route of a single thread.

    Only a logout with the token itself ends it, and it ends no token that is issued later. It is not forgotten: a while
    later (the target's silent_s) the token is still refused.

    A door that is known to refuse everybody is left out; if the others are right, this case is blocked by that finding.
    """
    await waiting.ask(f"auth.ends[{end}]", partial(_look, doors, mint, borrow, contract, sizes))


async def _look(
    doors: Doors, mint: Mint, borrow: Borrow, contract: Contract, sizes: Sizes, case: str, recorder: Recorder
) -> None:
    """What a case of this file does, with its own evidence. Raises what the case has to report."""
    looks: dict[str, Look] = {
        "auth.ends[expiry]": _look_at_expiry,
        "auth.ends[logout]": partial(_look_at_logout, sizes.silent_s),
        "auth.session-ends": partial(_session_ends, borrow),
    }
    # Others don't get this user: it opens sessions by the dozen, and a service may lock it out for that.
    with borrow("opener") as user:
        await looks[case](doors.noted_by(recorder), mint, user, contract, recorder)


async def _look_at_expiry(doors: Doors, mint: Mint, owner: User, contract: Contract, recorder: Recorder) -> None:
    clock = SteadyClock()  # if our clock jumped, the token would end only for us
    token, expires = await _show_everywhere(doors, mint, owner, clock, ends=True)
    await SingleRoutes.beside(doors).show(token)
    await await_steady(_over(clock, expires), in_a_row=1, deadline_s=max(LEFT_S) + 5)
    await refuse_unless_it_ends(doors, token, contract, recorder, "expiry")
    await doors.refuse_shut(doors.shut)


async def _look_at_logout(
    silent_s: float, doors: Doors, mint: Mint, owner: User, contract: Contract, recorder: Recorder
) -> None:
    clock = SteadyClock()
    token, _ = await _show_everywhere(doors, mint, owner, clock, ends=False)
    await SingleRoutes.beside(doors).show(token)
    await _refuse_forged_logout(doors, token, owner, contract)
    logged_out, begun = await _log_out(doors, token, contract), time.monotonic()
    await refuse_unless_it_ends(doors, token, contract, recorder, "logout")
    again = await doors.auth.post(contract.paths.auth_logout, token=token)
    refuse_server_error(again, "a second logout of the same token: done, or refused")
    newer = await _show_newer(doors, mint, owner, clock, date_of(logged_out))
    await _log_out(doors, newer, contract)  # a service may remember the last one alone
    await refuse_unless_it_ends(doors, token, contract, recorder, "another token's logout")
    await asyncio.sleep(begun + silent_s - time.monotonic())  # the time is the claim; a negative one is over
    later = f"logout, when it is presented again {time.monotonic() - begun:.0f} s later"
    await refuse_unless_it_ends(doors, token, contract, recorder, later, UNTIL_ITS_EXP)
    await doors.refuse_shut(doors.shut)


async def _log_out(doors: Doors, token: Secret, contract: Contract) -> Answer:
    answer = await doors.auth.post(contract.paths.auth_logout, token=token)
    if answer.status not in range(200, 300):
        raise CheckFailure(expected="a logout (contract.paths.auth_logout)", actual=seen(answer))
    return answer


async def _refuse_forged_logout(doors: Doors, token: Secret, owner: User, contract: Contract) -> None:
    """Raise CheckFailure if a logout with a token's own claims, but without its signature, ends the token."""
    for kind in UNVERIFIED:
        forged = forge(kind, Held(token, "the token that is logged out"), owner).token
        await doors.auth.post(contract.paths.auth_logout, token=forged)  # however it is answered, it ends nothing
    said = await _ask_open(doors, token)
    await _refuse_refused(doors, said, "the token after a logout with a forged copy of it", VERIFY_FIRST)


async def _show_newer(doors: Doors, mint: Mint, owner: User, clock: SteadyClock, logged_out_s: float) -> Secret:
    """A token of the same user that was issued after a logout, by the service's clock, in a later second.

    Raises CheckFailure unless every door accepts it: who logs in again must get in.
    """
    await await_steady(_over(clock, int(clock.now_s()) + 1), in_a_row=1, deadline_s=5)
    newer = mint.good(owner, now=max(clock.now_s(), logged_out_s + 1))
    said = await _ask_open(doors, newer)
    await _refuse_refused(doors, said, "a token that was issued after the logout of another one", ONE_TOKEN)
    return newer


async def _show_everywhere(
    doors: Doors, mint: Mint, owner: User, clock: SteadyClock, *, ends: bool
) -> tuple[Secret, float]:
    """Return a token that every door has accepted, and when it expires; if it `ends` before that, try a longer one.

    A door that refuses everybody is left out. Raises CheckFailure if another refuses the token while it is valid, and
    Broken if we are too slow every time.
    """
    for left_s in LEFT_S:
        issued = clock.now_s() - (mint.lifetime_s - left_s if ends else 0)
        token, expires = mint.good(owner, now=issued), int(issued) + int(mint.lifetime_s)
        said = await _ask_open(doors, token)
        if ends and clock.now_s() >= expires:
            continue
        await _refuse_refused(doors, said, "the token while it is valid", UP_TO_ITS_END)
        return token, expires
    raise Broken(f"our side was too slow to present a token at {len(doors.names)} doors within {max(LEFT_S):g} s")


async def _ask_open(doors: Doors, token: Secret) -> Mapping[DoorName, Said | None]:
    """What each door says to a valid token; those that are known to refuse everybody are left out."""
    names = [door for door in doors.names if door not in doors.shut]
    said = await asyncio.gather(*(doors.ask(door, Forgery("good", token)) for door in names))
    return dict(zip(names, said, strict=True))


async def _refuse_refused(doors: Doors, said: Mapping[DoorName, Said | None], what: str, remedy: str) -> None:
    """Raise CheckFailure if a door refused a valid token, unless it refuses everybody's."""
    for door, answer in said.items():
        if (answer is None or answer.decision != "let in") and not await _is_shut(doors, door):
            actual = answer.detail if answer else "not asked"
            raise CheckFailure(expected=f"{door} accepts {what}", actual=actual, remedy=remedy)


async def _is_shut(doors: Doors, door: DoorName) -> bool:
    """Whether a door refuses everybody: another case may not have found that yet."""
    try:
        await doors.refuse_shut([door])
    except ShutDoor:
        return True
    return False


def _over(clock: SteadyClock, end: float) -> Callable[[], Awaitable[str]]:
    """A condition that holds once the given moment has passed."""

    async def look() -> str:
        return "" if clock.now_s() > end else "the token has not ended yet"

    return look


@check(
    "auth.session-ends",
    requirement="a session ends when its token is logged out, within a stated time",
    needs="auth ws mint logout",
    remedy="Let a session validate its token again from time to time, or notify it of the logout.",
    looking="the server's log lines of the session after the logout",
)
@pytest.mark.beside(goes_on=True)
async def test_a_session_ends_with_its_tokens_logout(
    waiting: Family, doors: Doors, mint: Mint, borrow: Borrow, contract: Contract, sizes: Sizes
) -> None:
    """The server closes sessions that were open when their token was logged out, at their next use: now, or later.

    Another user's session stays.
    """
    await waiting.ask("auth.session-ends", partial(_look, doors, mint, borrow, contract, sizes))


async def _session_ends(
    borrow: Borrow, doors: Doors, mint: Mint, owner: User, contract: Contract, recorder: Recorder
) -> None:
    with borrow("opener") as other:  # whose id is like the owner's
        token, theirs = mint.good(owner), mint.good(other)
        earlier = await _opened(doors, theirs)
        sessions = {use: await _opened(doors, token) for use in USES}
        later = await _opened(doors, theirs)
        await _refuse_still_open(doors, token, sessions, contract, recorder)
        try:
            for session in (earlier, later):
                await session.ping()
        except NOT_ANSWERED as error:
            expected = "another user's session answers after the logout"
            raise CheckFailure(expected=expected, actual=error.detail, remedy=ONE_SESSION) from error


async def _opened(doors: Doors, token: Secret) -> Session:
    """A session that is up: if it ends later, something has ended it."""
    session = refuse_refused(await doors.sockets.try_open(token, good=True), "a session for a valid token")
    await session.ping()
    return session


async def _refuse_still_open(
    doors: Doors, token: Secret, sessions: Mapping[str, Session], contract: Contract, recorder: Recorder
) -> None:
    """Raise CheckFailure unless the token's sessions, by their use, end within the contract's time of its logout."""
    within_s = contract.tokens.ends_within_s
    await _log_out(doors, token, contract)
    took = await asyncio.gather(
        *(_until_closed(within_s, session, USES[use] * within_s) for use, session in sessions.items())
    )
    by_use = dict(zip(sessions, took, strict=True))
    for use, ended_s in by_use.items():
        recorder.figures(rule=f"until the session {use} ended", value=ended_s, unit="s", limit=within_s)
    if None in took:
        expected = f"a session is closed within {within_s:g} s of its token's logout (contract.tokens.ends_within_s)"
        stays = " and ".join(f"one {use} stays open" for use, ended_s in by_use.items() if ended_s is None)
        raise CheckFailure(expected=expected, actual=stays)


async def _until_closed(within_s: float, session: Session, silent_s: float) -> float | None:
    """Seconds until the server closed a session that is used after a silence; None: not within the limit."""
    begun = time.monotonic()
    with suppress(TooSlow):
        await session.wait_closed(silent_s)
    while session.closed is None:
        if time.monotonic() - begun > within_s:
            return None
        with suppress(ProbeError):  # no answer is needed: a session that hangs has not ended
            await session.send({"type": session.dialect.ping})
        with suppress(TooSlow):
            await session.wait_closed(BETWEEN_S)
    return round(time.monotonic() - begun, 2)
