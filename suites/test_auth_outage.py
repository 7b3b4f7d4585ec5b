"""What happens while the auth service is down: nobody is let in, everybody is answered, and it recovers."""

from fixtures.doors import seen
from fixtures.sessions import SocketDoor
from fixtures.threads import OK, Threads
from fixtures.twin import TwinControl
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.deadlines import Deadlines
from probes.errors import BadAnswer, ProbeError
from probes.sessions import Session
from probes.tokens import TokenSource, User
from probes.waiting import await_steady

UNAVAILABLE = 503


@check(
    "auth.outage",
    requirement="with auth down: 503 within its deadline, nobody let in, recovery without a restart",
    needs="twin http ws token auth",
    remedy="Fix 4 falls back to accepting tokens locally, or hangs through three attempts: answer 503 instead.",
)
async def test_an_outage_lets_nobody_in(
    twin: TwinControl,
    threads: Threads,
    sockets: SocketDoor,
    tokens: TokenSource,
    owner: User,
    deadlines: Deadlines,
    recorder: Recorder,
) -> None:
    """Auth is really stopped; REST answers 503, the WebSocket refuses; auth is started and both serve again."""
    await twin.take_down("auth")
    answer = await threads.ask(owner, deadline_s=deadlines.outage_answer)
    if answer.status != UNAVAILABLE:
        raise CheckFailure(expected=f"503 within {deadlines.outage_answer:g} s", actual=seen(answer))
    recorder.figures(
        rule="REST answer during the outage", n=1, value=round(answer.elapsed_s, 2), unit="s",
        limit=deadlines.outage_answer,
    )  # fmt: skip
    try:
        opened = await sockets.try_open(tokens.good(owner))
    except BadAnswer as error:
        recorder.attach("websocket during the outage", error.detail)  # a 503 at the handshake: nobody is let in
    else:
        if isinstance(opened, Session):
            raise CheckFailure(expected="no session while auth is down", actual="a session")
    await twin.bring_up("auth")

    async def look() -> str:
        again = await threads.ask(owner)
        return "" if again.status == OK else seen(again)

    recovered = await await_steady(look, in_a_row=3, deadline_s=deadlines.recovery)
    if not recovered.steady:
        raise CheckFailure(
            expected=f"REST serves again within {deadlines.recovery:g} s", actual=recovered.attempts[-1],
            evidence={"attempts": list(recovered.attempts[-10:])},
        )  # fmt: skip
    try:
        await sockets.open(owner)
    except ProbeError as error:
        raise CheckFailure(expected="the WebSocket serves again", actual=error.detail) from error
