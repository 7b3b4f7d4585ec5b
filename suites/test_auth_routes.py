"""Each route of a single thread asks who asks: one that forgets to is open to anyone."""

import pytest

from fixtures.doors import Doors, kind_of
from fixtures.journeys import OWNERS_TITLE, STEPS, Journey, refuse_unless_refused
from fixtures.rows import Plant
from gate.check import check
from gate.failures import Broken, waiting_for
from probes.auth.forgeries import Forgery, forge, forge_plain


@check(
    "auth.every-route",
    requirement="each route of a single thread refuses requests without a valid token, and does nothing for them",
    needs="http write mint single",
    remedy="Make validation a dependency of the router, not of each handler: one that forgets it is open to anyone.",
    looking="**an incident if anyone was let in**: the case's name is the route, and the answer is in the evidence",
)
@pytest.mark.beside
@pytest.mark.parametrize("step", ["create", *STEPS])
async def test_a_route_is_for_users_alone(journey: Journey, plant: Plant, doors: Doors, step: str) -> None:
    """Without a token, and with an invalid one, the route refuses as the list does; the thread is as it was.

    If the list itself lets one in, this case is blocked by that finding: it can't tell what the route does about it.
    """
    (row,) = await plant(journey.user, title=OWNERS_TITLE)
    tokens, blocked = journey.threads.tokens, list[Broken]()
    for forgery in (forge("none", tokens, journey.user), forge_plain(tokens, journey.user)):
        by_list = await doors.ask("rest", forgery)
        if by_list is not None and by_list.decision == "let in":
            reason = Broken(f"the list lets the same credential in, {by_list.detail}")
            blocked.append(waiting_for(f"auth.refuses[{forgery.kind}]", reason))
        else:
            await _refuse_credential(journey, step, row.id, forgery)
    if blocked:
        raise blocked[0]
    await journey.refuse_changed(row.id, OWNERS_TITLE, "a request without a valid token")


async def _refuse_credential(journey: Journey, step: str, thread_id: str, forgery: Forgery) -> None:
    """Raise CheckFailure unless the route refuses this credential as the contract says."""
    body = journey.body(title="taken over") if step in {"create", "rename"} else None
    answer = await journey.do(step, thread_id, token=None, headers=forgery.headers(), json=body)
    kind, contract = kind_of(forgery), journey.threads.contract
    credential = "no token" if kind == "none" else f"{forgery.kind} token"
    if step == "create" and answer.status in contract.threads.one.created:
        journey.keep(answer.json_object())  # so that it is removed
    allowed = getattr(contract.refusal.rest, kind)
    named = f"contract.refusal.rest.{kind}"
    refuse_unless_refused(answer, f"{step} with {credential}", allowed, named=named, secret=OWNERS_TITLE)
