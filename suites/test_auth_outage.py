"""What happens while the auth service is down: no access, an answer to every request, and recovery."""

import time
from collections.abc import Callable
from functools import partial

from fixtures.health import FIX_5, checks_in
from fixtures.http_services import Door, seen
from fixtures.sockets import SocketDoor
from fixtures.threads import Threads, await_recovery
from fixtures.twin import TwinControl
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.auth.forgeries import forge
from probes.auth.tokens import TokenSource, User
from probes.errors import NOT_ANSWERED, BadAnswer
from probes.secret import Secret
from probes.timing.deadlines import Deadlines
from probes.websocket.handshake import Way
from probes.websocket.sessions import Session
from targets.contract import Contract

ASKED = 5  # a circuit breaker opens after a few
WAYS: tuple[Way, ...] = ("header", "subprotocol")


@check(
    "auth.outage",
    requirement="with auth down: 503 within its deadline, no access, and recovery without a restart",
    needs="twin http ws token auth",
    remedy="Fix 4 falls back to accepting tokens locally, or hangs for three attempts: answer 503 instead.",
    looking="on the twin alone: `make verify-local`, then the door and the answer in the evidence",
)
async def test_no_door_lets_anyone_in_during_an_outage(
    twin: TwinControl,
    threads: Threads,
    sockets: SocketDoor,
    tokens: TokenSource,
    owner: User,
    deadlines: Deadlines,
    recorder: Recorder,
    narrate: Callable[[str], None],
) -> None:
    """Auth is really stopped: REST answers 503 and the WebSocket refuses. Auth is started, and both serve again."""
    await threads.page(owner)  # what is refused from now on is the outage's, not the token's
    await sockets.find_whether_shut()  # the same at this door; where it is shut, REST is judged all the same
    await twin.take_down("auth", provokes_503=True)
    await _refuse_rest(threads, tokens, owner, deadlines, recorder)
    token = tokens.good(owner)
    await sockets.pace.together(partial(_refuse_socket, sockets, token, way, recorder) for way in WAYS)
    await twin.bring_up("auth")
    await _serves_again(threads, sockets, owner, deadlines, recorder, narrate)


async def _refuse_rest(
    threads: Threads, tokens: TokenSource, owner: User, deadlines: Deadlines, recorder: Recorder
) -> None:
    """Valid tokens get 503 in time, with the circuit breaker closed or open; forged ones are not accepted."""
    slowest, limit = 0.0, deadlines.outage_answer
    unavailable = threads.contract.refusal.outage
    for _ in range(ASKED):
        answer = await threads.ask(owner, deadline_s=limit)
        if answer.status not in unavailable:
            raise CheckFailure(
                expected=f"{sorted(unavailable)} (contract.refusal.outage) within {limit:g} s", actual=seen(answer)
            )
        slowest = max(slowest, answer.elapsed_s)
    forged = await threads.door.get(
        threads.contract.paths.threads, headers=forge("wrong signature", tokens, owner).headers(), deadline_s=limit
    )
    if forged.status not in unavailable | threads.contract.refusal.rest.bad:
        raise CheckFailure(expected="503 or a refusal for a forged token", actual=seen(forged))
    recorder.figures(
        rule="slowest REST answer during the outage", n=ASKED, value=round(slowest, 2), unit="s", limit=limit
    )


async def _refuse_socket(sockets: SocketDoor, token: Secret, way: Way, recorder: Recorder) -> None:
    try:
        opened = await sockets.try_open(token, way=way)
    except BadAnswer as error:
        recorder.attach(f"websocket by {way} during the outage", error.detail)  # a 503 at the handshake: refused
        return
    if isinstance(opened, Session):
        raise CheckFailure(expected=f"no session by {way} while auth is down", actual="a session")


async def _serves_again(
    threads: Threads,
    sockets: SocketDoor,
    owner: User,
    deadlines: Deadlines,
    recorder: Recorder,
    narrate: Callable[[str], None],
) -> None:
    begun = time.monotonic()
    recovered = await await_recovery(threads, owner, deadlines.recovery, narrate)
    if not recovered.steady:
        raise CheckFailure(
            expected=f"REST serves again within {deadlines.recovery:g} s",
            actual=recovered.attempts[-1],
            evidence={"attempts": list(recovered.attempts[-10:])},
        )
    recorder.figures(
        rule="until REST serves again, three times in a row",
        n=len(recovered.attempts),
        unit="s",
        value=round(time.monotonic() - begun, 2),
        limit=deadlines.recovery,
    )
    try:
        await sockets.open(owner)
    except NOT_ANSWERED as error:
        raise CheckFailure(expected="the WebSocket serves again", actual=error.detail) from error


@check(
    "auth.outage-seen",
    requirement="while auth is down, the detailed health says so",
    needs="twin http auth health",
    remedy=FIX_5 + " Ask the auth service each time; an address that is configured is not an answer.",
    looking="on the twin alone: `make verify-local`, then its answer during the outage, in the evidence",
)
async def test_it_says_that_auth_is_down(
    twin: TwinControl, backend: Door, contract: Contract, deadlines: Deadlines, recorder: Recorder
) -> None:
    """Auth is really stopped: its check is not healthy, and the status is unhealthy. Auth is started again."""
    rules = contract.health
    await twin.take_down("auth", provokes_503=True)
    body = (await backend.get(contract.paths.health, deadline_s=deadlines.health)).json_object()
    await twin.bring_up("auth")
    word, status = str(checks_in(body, contract).get(rules.auth_check)), body.get(rules.status_field)
    recorder.attach("health", {rules.auth_check: word, rules.status_field: status})
    if word.lower() in rules.healthy_words or status != rules.unhealthy:
        raise CheckFailure(
            expected=f"while auth is down: {rules.auth_check} not healthy, {rules.status_field} {rules.unhealthy!r}",
            actual=f"{rules.auth_check} {word!r}, {rules.status_field} {status!r}",
        )
