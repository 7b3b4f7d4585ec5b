"""No user hears another one's messages, however similar their ids are."""

from collections.abc import Sequence
from functools import partial

import pytest

from fixtures.sockets import SocketDoor
from fixtures.users import MakeUser
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.pool import UserPool
from probes.auth.tokens import User
from probes.websocket.dialect import Message, data_of
from probes.websocket.sessions import Session
from targets.contract import Contract

LONG = 64  # characters of an id: more than a UUID has, and no more than any usual column holds
Listener = tuple[Session, User]


@check(
    "websocket.isolation",
    requirement="one user's messages never reach another's socket",
    needs="ws mint",
    remedy="Send to the user's own sessions (factory per user), never to all; compare user ids exactly.",
    looking="**an incident**: whose message reached whom is in the evidence",
)
@pytest.mark.beside
async def test_messages_stay_with_their_user(
    sockets: SocketDoor, owner: User, stranger: User, make_user: MakeUser, contract: Contract
) -> None:
    """While one user sends messages, no other's socket receives any of it; all of them are still answered.

    One of the others is also named as the sender of a message: only the token says whose it is. Some have an id like
    the user's: with one more character, in capitals, or long and with another last character. What a user said who left
    at once reaches no one who comes next.
    """
    others = [stranger, *UserPool.lookalikes(owner, stranger)]
    long, long_too = (UserPool.lengthened(owner, LONG, last) for last in "ab")
    mine, *theirs = await sockets.open_all(owner, *others)
    listeners = list(zip(theirs, others, strict=True))
    await _refuse_overheard(mine, owner, listeners, contract)
    leaver = make_user("leaver")
    next_one = await _after_one_who_left(sockets, leaver, stranger, contract)
    pair = await sockets.pace.together(
        partial(sockets.try_open, sockets.tokens.good(user)) for user in (long, long_too)
    )
    if all(isinstance(one, Session) for one in pair):  # ids of that length may be refused
        speaker, listener = (one for one in pair if isinstance(one, Session))
        await _refuse_overheard(speaker, long, [(listener, long_too)], contract)
    for session, other in listeners:  # an answer may have gone on until now
        await _refuse_any(session, other, owner, contract)
    (latest,) = await sockets.open_all(stranger)
    for session in (next_one, latest):
        await _refuse_any(session, stranger, leaver, contract)


async def _after_one_who_left(sockets: SocketDoor, user: User, other: User, contract: Contract) -> Session:
    """The session of one who comes when a user, whose only one it was, has said something and left.

    Raises CheckFailure if that reaches it.
    """
    (leaving,) = await sockets.open_all(user)
    await leaving.send(leaving.dialect.message_of(f"the last words of {user.sub}"))
    await leaving.aclose()
    (coming,) = await sockets.open_all(other)
    await _refuse_any(coming, other, user, contract)
    return coming


async def _refuse_overheard(mine: Session, user: User, others: Sequence[Listener], contract: Contract) -> None:
    """Say something in a session, also in another's name. Raises CheckFailure if that, or an answer, reaches others."""
    said, name = mine.dialect.message_of(f"only for {user.sub}"), contract.database.layout.owner_key
    forged = {one: others[0][1].sub for one in (name, mine.dialect.user_field) if one}
    await mine.send(said)
    await mine.send({**said, **forged, "data": {**data_of(said), **forged}})
    await mine.ping()
    for session, other in others:
        await _refuse_any(session, other, user, contract)


async def _refuse_any(session: Session, other: User, user: User, contract: Contract) -> None:
    """Raise CheckFailure if a session of another user has received something of a user's."""
    for message in await _overheard(session):
        names_user = user.sub in str(message).replace(other.sub, "")  # one of the ids begins with the user's
        if names_user or message.get("type") in contract.websocket.agent.events:
            raise CheckFailure(expected=f"nothing of {user.sub} for {other.sub}", actual=f"{message}")


async def _overheard(session: Session) -> list[Message]:
    """What a session received before its heartbeat was acknowledged."""
    messages = list[Message]()
    await session.send({"type": session.dialect.heartbeat})
    while (message := await session.receive()).get("type") != session.dialect.acknowledgement:
        messages.append(message)
    return messages
