"""Each route of a single thread asks who asks: one that forgets to is open to anyone."""

import pytest

from fixtures.doors import Doors, kind_of
from fixtures.http_services import refuse_server_error, seen
from fixtures.journeys import Journey
from fixtures.rows import Plant
from gate.check import check
from gate.failures import Broken, CheckFailure, waiting_for
from probes.auth.forgeries import Forgery, forge, forge_plain

SECRET = "what only its owner may read"


@check(
    "auth.every-route",
    requirement="each route of a single thread refuses requests without a valid token, and does nothing for them",
    needs="http write mint single",
    remedy="Make validation a dependency of the router, not of each handler: one that forgets it is open to anyone.",
    looking="**an incident if anyone was let in**: the case's name is the route, and the answer is in the evidence",
)
@pytest.mark.beside
@pytest.mark.parametrize("step", ["create", "read", "rename", "archive", "history"])
async def test_a_route_is_for_users_alone(journey: Journey, plant: Plant, doors: Doors, step: str) -> None:
    """Without a token, and with an invalid one, the route refuses as the list does; the thread is as it was.

    If the list itself lets one in, this case is blocked by that finding: it can't tell what the route does about it.
    """
    (row,) = await plant(journey.user, title=SECRET)
    tokens, let_in = journey.threads.tokens, dict[str, str]()
    for forgery in (forge("none", tokens, journey.user), forge_plain(tokens, journey.user)):
        said = await doors.ask("rest", forgery)
        if said is not None and said.decision == "let in":
            let_in[forgery.kind] = said.detail
        else:
            await _refuse_unless_refused(journey, step, row.id, forgery)
    for kind, detail in let_in.items():
        raise waiting_for(f"auth.refuses[{kind}]", Broken(f"the list lets the same credential in, {detail}"))
    await journey.refuse_changed(row.id, SECRET, "a request without a valid token")


async def _refuse_unless_refused(journey: Journey, step: str, thread_id: str, forgery: Forgery) -> None:
    body = journey.body(title="taken over") if step in {"create", "rename"} else None
    answer = await journey.do(step, thread_id, token=None, headers=forgery.headers(), json=body)
    kind, contract = kind_of(forgery), journey.threads.contract
    allowed = getattr(contract.refusal.rest, kind)
    shown = "no token" if kind == "none" else f"{forgery.kind} token"
    expected = f"{step} with {shown}: {' or '.join(map(str, sorted(allowed)))} (contract.refusal.rest.{kind})"
    refuse_server_error(answer, expected)
    if step == "create" and answer.status in contract.threads.one.created:
        journey.keep(answer.json_object())  # so that it is removed
    if answer.status not in allowed or SECRET in answer.text:
        raise CheckFailure(expected=expected, actual=seen(answer))
