"""WebSocket sessions: they open, know the user, answer, and stay separate."""

from collections.abc import Sequence

import pytest

from fixtures.soak import joiner
from fixtures.sockets import FREED, OUTSIDE, SocketDoor, refuse_binary, refuse_not_ready, refuse_refused
from fixtures.steady_sessions import problem_of, what_to_do
from fixtures.twin import TwinControl
from fixtures.users import MakeUser
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from gate.plots import ClosesPlot, SessionsPlot
from probes.auth.tokens import User
from probes.errors import NOT_ANSWERED, ClientUnfit, TooSlow
from probes.soak.held_session import Pace
from probes.soak.steady import SteadyReport, hold_sessions
from probes.timing.deadlines import Deadlines
from probes.websocket.dialect import Message, data_of
from probes.websocket.handshake import Way
from probes.websocket.sessions import Session
from targets.contract import Contract
from targets.model import Sizes

COROUTINE = "The report's resolved category: 'coroutine' object has no attribute 'get' at connect; await what is async."
PASS_IT_ON = (
    "Have every proxy pass Sec-WebSocket-Protocol on, and the service read the token from it: in a header it is "
    "accepted, but a browser can't send one."
)
READ_FROM_THE_FIRST = (
    "Read a session from its first byte on: a page sends as soon as it is open. Answer after the welcome."
)
ROUNDS = 5


@check(
    "websocket.connects",
    requirement="a session opens and welcomes within the deadline, with the token in the header or in the subprotocol",
    needs="ws token",
    remedy=COROUTINE,
    looking="the handshake's status and the first message in the evidence; the server's log lines under its trace",
)
@pytest.mark.beside
@pytest.mark.parametrize("way", ["header", "subprotocol"])
async def test_a_good_token_opens_a_session(sockets: SocketDoor, owner: User, way: Way) -> None:
    """The handshake succeeds, the welcome says ready and names the session; an offered subprotocol is selected."""
    opened = await sockets.try_open(sockets.tokens.good(owner), good=True, way=way)
    remedy = PASS_IT_ON if way == "subprotocol" else ""  # if no door opened, `try_open` would have said so
    session = refuse_refused(opened, f"a session for a valid token, at {sockets.doorway.url}", remedy)
    selected, words = session.connection.subprotocol, session.dialect
    if way == "subprotocol" and selected != words.subprotocol:
        raise CheckFailure(
            expected=f"subprotocol {words.subprotocol}", actual=f"{selected!r} was selected",
            remedy="Select what the client offered: accept(subprotocol=…). A browser hangs up without it.",
        )  # fmt: skip
    refuse_not_ready(session)
    if words.session_field and not data_of(session.welcome).get(words.session_field):
        raise CheckFailure(
            expected=f"{words.session_field} in the welcome",
            actual=f"{session.welcome}",
            remedy="Send the session's id in the welcome: a client finds its session again by it.",
        )


@check(
    "websocket.identity",
    requirement="the welcome names the token's user",
    needs="ws mint",
    remedy="Don't use a demo user outside demo mode: the user is the token's `sub`.",
    looking="the welcome in the evidence, and the token's `sub`",
)
@pytest.mark.beside
async def test_the_welcome_names_the_user(sockets: SocketDoor, owner: User, stranger: User) -> None:
    """Two users open sessions, and each welcome names its own user."""
    for user in (owner, stranger):
        session = await sockets.open(user)
        field_name = session.dialect.user_field
        named = data_of(session.welcome).get(field_name)
        if named != user.sub:
            raise CheckFailure(expected=f"{field_name} {user.sub}", actual=f"{named!r}")


@check(
    "websocket.answers",
    requirement="pings and heartbeats are answered, in order, within the deadline",
    needs="ws token",
    remedy="Answer in the session's own loop, with nothing slow between reading and answering.",
    looking="which message had no answer, and after how long; is the order that of sending?",
)
@pytest.mark.beside
async def test_pings_and_heartbeats_are_answered_in_order(
    sockets: SocketDoor, owner: User, deadlines: Deadlines, recorder: Recorder, contract: Contract
) -> None:
    """Pings and heartbeats, sent alternately without waiting, are answered one for one, in the same order.

    So is a ping that is sent before the welcome is waited for, unless the contract has clients wait.
    """
    words = sockets.doorway.dialect
    session = await _open_in_haste(sockets, owner) if contract.websocket.answers_early else await sockets.open(owner)
    for number in range(ROUNDS):
        await session.send({"type": words.ping, "seq": number})
        await session.send({"type": words.heartbeat})
    expected = [words.pong, words.acknowledgement] * ROUNDS
    begun = session.age_s
    answers = await _read_answers(session, expected, deadlines.message)
    kinds = [str(answer["type"]) for answer in answers]
    echoed = [data_of(answer).get(contract.websocket.echo_field) for answer in answers if answer["type"] == words.pong]
    recorder.figures(
        rule="answers to 10 messages",
        n=len(answers),
        value=round((session.age_s - begun) * 1e3, 1),
        unit="ms",
        limit=deadlines.message * 1e3,
    )
    if kinds != expected:
        raise CheckFailure(expected=f"{expected}", actual=f"{kinds}")
    if contract.websocket.echo_field and echoed != list(range(ROUNDS)):
        raise CheckFailure(expected=f"pongs for {list(range(ROUNDS))}", actual=f"{echoed}")
    refuse_binary(session, contract, "answers")


async def _open_in_haste(sockets: SocketDoor, owner: User) -> Session:
    """A session that has answered a ping which was under way before its welcome. Raises CheckFailure if it has not."""
    session = await sockets.open(owner, first={"type": sockets.doorway.dialect.ping})
    try:
        await session.receive_of(session.dialect.pong)
    except NOT_ANSWERED as error:
        expected = "a ping that was sent before the welcome is answered after it (contract.websocket.answers_early)"
        raise CheckFailure(expected=expected, actual=error.detail, remedy=READ_FROM_THE_FIRST) from error
    return session


async def _read_answers(session: Session, expected: Sequence[str], within_s: float) -> list[Message]:
    """As many messages of the expected types as there are; others are passed over. Raises CheckFailure if too slow."""
    answers: list[Message] = []
    begun = session.age_s
    while len(answers) < len(expected):
        left = within_s - (session.age_s - begun)
        try:
            message = await session.receive(max(left, 0.01))
        except TooSlow as error:
            kinds = [str(answer["type"]) for answer in answers]
            raise CheckFailure(
                expected=f"{len(expected)} answers within {within_s:g} s", actual=f"{len(kinds)}: {kinds}"
            ) from error
        if message.get("type") in expected:
            answers.append(message)
    return answers


@check(
    "websocket.fallback",
    requirement="without the supervisor, a fallback answers",
    needs="twin ws token",
    remedy=COROUTINE + " The fallback handler answers when supervisor or thread service are missing.",
    looking="on the twin alone: `make verify-local`, then the answer in the evidence",
)
async def test_a_fallback_answers(twin: TwinControl, sockets: SocketDoor, owner: User, deadlines: Deadlines) -> None:
    """The agent supervisor is removed; a message is still answered, and the session stays open."""
    await twin.take_down("supervisor")
    session = await sockets.open(owner)
    await session.send(session.dialect.message_of("is anybody there?"))
    try:
        answer = await session.receive_answer(deadlines.message)
        await session.ping()
    except NOT_ANSWERED as error:
        raise CheckFailure(expected="an answer by the fallback", actual=error.detail) from error
    if session.dialect.is_error(answer):
        raise CheckFailure(expected="an answer by the fallback", actual=f"{answer}")


@check(
    "websocket.steady",
    requirement="N sessions held for a short time: no unplanned close, and no message of another user",
    needs="ws mint",
    remedy="See the closes by class and age: a cut-off at one age is a timeout somewhere on the path.",
    looking="the plot of closes by age and class: one age is a timeout on the way, many ages are drops",
)
@pytest.mark.beside(goes_on=True)
async def test_sessions_stay_open(
    sockets: SocketDoor,
    make_user: MakeUser,
    sizes: Sizes,
    recorder: Recorder,
    contract: Contract,
    deadlines: Deadlines,
) -> None:
    """Sessions with echoes and protocol pings throughout; none ends before we close it."""
    users = [make_user("steady") for _ in range(sizes.steady_sessions)]
    report = await hold_sessions(
        joiner(sockets, {user.sub: user for user in users}, contract.tokens.lifetime_s),
        lambda number: users[number].sub,
        count=sizes.steady_sessions,
        seconds=sizes.steady_s,
        jitter_s=min(0.5, sizes.steady_s / 4),
        pace=_steady_pace(sockets, contract, sizes, deadlines),
    )
    _record(report, recorder, contract)
    if len(report.of_kind("never opened")) >= sizes.steady_sessions:
        await sockets.refuse_shut()
    _judge_steady(report, sizes)


def _judge_steady(report: SteadyReport, sizes: Sizes) -> None:
    problem = problem_of(report, sizes.steady_sessions)
    if problem and report.unfit_because:
        held = f"{sizes.steady_sessions} sessions held for {sizes.steady_s:g} s"
        raise ClientUnfit(held, f"{report.unfit_because}. This may be caused by our own side: {problem}")
    if problem:
        raise CheckFailure(
            expected=f"{sizes.steady_sessions} sessions open for {sizes.steady_s:g} s, each echo answered once",
            actual=problem,
            remedy=what_to_do(report),
        )


def _steady_pace(sockets: SocketDoor, contract: Contract, sizes: Sizes, deadlines: Deadlines) -> Pace:
    """Four echoes per second and session, and no coming back: any end is one too many."""
    return Pace(
        ping_every_s=0.25,
        answer_s=deadlines.message,
        reconnect_s=contract.websocket.reconnect_s,
        keepalive_s=min(20.0, max(0.5, sizes.steady_s / 4)),
        echo_field=contract.websocket.echo_field,
        reconnects=False,
        dialect=sockets.doorway.dialect,
    )


def _record(report: SteadyReport, recorder: Recorder, contract: Contract) -> None:
    exposure, vitals = report.exposure, report.vitals
    recorder.figures(
        rule="early ends; 95 % bound on the hazard of a session",
        n=len(exposure.lives),
        value=len(exposure.early),
        limit=0,
        confidence=0.95,
        window=f"oldest age {exposure.oldest_s:.0f} s of the promised {contract.websocket.session_seconds:g} s",
        connection_hours=round(exposure.hours, 4),
        hazard_per_hour=round(exposure.hazard_bound(), 2),
        survival_1h_at_least=round(exposure.survival_bound(), 4),
        rtt_p95_ms=report.times.percentile(0.95),
        closes=dict(exposure.closes),
        echoes=report.times.n,
    )
    recorder.attach("what this does not prove", exposure.sentence())
    recorder.attach("our own health, at worst", vitals.as_json())
    first = min((life.opened_at for life in exposure.lives), default=0.0)
    changes = [(life.opened_at - first, 1) for life in exposure.lives]
    changes += [(life.opened_at - first + life.age_s, -1) for life in exposure.lives]
    total, at_s, opened = 0, [], []
    for moment, change in sorted(changes):
        total += change
        at_s.append(round(moment, 3))
        opened.append(total)
    recorder.plot(SessionsPlot(at_s=at_s, open=opened))
    if exposure.early:
        recorder.plot(ClosesPlot(by_class={"closes": [round(life.age_s, 3) for life in exposure.early]}))


@check(
    "websocket.reconnect",
    requirement="after a cut, the client is back within the limit, with its session intact",
    needs="ws token",
    remedy=OUTSIDE,
    looking="the attempts and their times in the evidence; which part of the state was lost",
)
@pytest.mark.beside
async def test_a_reconnect_finds_its_session(
    sockets: SocketDoor, owner: User, contract: Contract, recorder: Recorder
) -> None:
    """The TCP connection is cut without a close; the same user is welcomed again and the count continues."""
    first = await sockets.open(owner)
    for number in range(1, 4):
        await first.ping(seq=number)
    before, words = data_of(first.welcome), first.dialect
    first.connection.transport.abort()
    again = await sockets.open(owner)
    took, after = again.took_s, data_of(again.welcome)
    recorder.figures(rule="time to be back", n=1, value=round(took, 3), unit="s", limit=contract.websocket.reconnect_s)
    if took > contract.websocket.reconnect_s:
        expected = f"back within {contract.websocket.reconnect_s:g} s, from the new handshake to the welcome"
        raise CheckFailure(expected=expected, actual=f"{took:.1f} s", remedy=FREED)
    kept = [name for name in (words.user_field, words.session_field) if name]
    lost = {key: (before.get(key), after.get(key)) for key in kept if before.get(key) != after.get(key)}
    if lost:
        raise CheckFailure(expected="the same session", actual=f"changed: {lost}")
    last = after.get(words.sequence_field)
    if words.sequence_field in after and last != 3:  # noqa: PLR2004 - the last number sent above
        raise CheckFailure(expected="3, the last ping before the cut", actual=f"{words.sequence_field} {last}")
    await again.ping(seq=4)
