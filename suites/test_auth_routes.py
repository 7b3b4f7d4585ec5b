"""Each route of a single thread asks who asks: one that forgets to, or asks in its own way, lets others in."""

from functools import partial
from http import HTTPStatus

import pytest

from fixtures.doors import CHALLENGE, Doors, kind_of, query_of
from fixtures.http_services import seen
from fixtures.journeys import OWNERS_TITLE, STEPS, Journey, refuse_unless_refused
from fixtures.rows import Plant
from gate.check import check
from gate.failures import Broken, CheckFailure, waiting_for
from probes.auth.forgeries import REFRESH, SIGNED, UNSIGNED, Forgery, forge
from probes.auth.tokens import Mint

CHALLENGED = "www-authenticate"
# What is presented at each route: one kind for each rule of validation that a route may have in its own way, or lack.
KINDS = (
    "none",
    "not a JWT",
    "wrong signature",
    "alg none",
    "payload swapped",
    "Basic",
    "in the query string",
    "expired",
    "5 minutes past exp",
    "never expires",
    "not yet valid",
    "wrong issuer",
    "wrong audience",
    "wrong audience in a list",
    REFRESH,
)


@check(
    "auth.every-route",
    requirement="each route of a single thread refuses requests without a valid token, and does nothing for them",
    needs="http write mint single",
    remedy="Make validation a dependency of the router, the list's own, not of each handler: one that forgets it, or "
    "has another, lets in what the list refuses.",
    looking="**an incident if anyone was let in**: the case's name is the route, and the answer is in the evidence",
)
@pytest.mark.beside
@pytest.mark.parametrize("step", ["create", *STEPS])
async def test_a_route_is_for_users_alone(journey: Journey, plant: Plant, doors: Doors, step: str) -> None:
    """Without a token, and with each kind of invalid one, the route refuses; the thread is as it was.

    If the list lets the same credential in, this case is blocked by that finding: it can't tell what the route does.
    """
    (row,) = await plant(journey.user, title=OWNERS_TITLE)
    asked = [partial(_try, journey, doors, step, row.id, kind) for kind in _kinds_for(journey, doors)]
    blocked = [reason for reason in await journey.threads.door.pace.together(asked) if reason]
    if blocked:
        raise blocked[0]
    await journey.refuse_changed(row.id, OWNERS_TITLE, "a request without a valid token")


def _kinds_for(journey: Journey, doors: Doors) -> list[str]:
    """The kinds that can be made for this service: it may have no refresh tokens, and we may not be able to sign."""
    can_sign = isinstance(journey.threads.tokens, Mint)
    made = [kind for kind in KINDS if kind in UNSIGNED or (can_sign and kind in SIGNED)]
    return [kind for kind in made if kind != REFRESH or "refresh-tokens" in doors.offered]


async def _try(journey: Journey, doors: Doors, step: str, thread_id: str, kind: str) -> Broken | None:
    """Present a credential at a route. Returns what blocks the case, if the list lets the same credential in.

    Raises CheckFailure if the route alone does not refuse it as the contract says.
    """
    forgery = forge(kind, journey.threads.tokens, journey.user)
    try:
        await _refuse_credential(journey, step, thread_id, forgery)
    except CheckFailure:
        by_list = await doors.ask("rest", forgery)
        if by_list is None or by_list.decision != "let in":
            raise
        return waiting_for(f"auth.refuses[{kind}]", Broken(f"the list lets the same credential in, {by_list.detail}"))
    return None


async def _refuse_credential(journey: Journey, step: str, thread_id: str, forgery: Forgery) -> None:
    """Raise CheckFailure unless the route refuses this credential as the contract says."""
    contract = journey.threads.contract
    answer = await journey.do(
        step,
        thread_id,
        token=None,
        headers=forgery.headers(),
        params=query_of(forgery, contract),
        json=journey.body(title="taken over") if step in {"create", "rename"} else None,
    )
    if step == "create" and answer.status in contract.threads.one.created:
        journey.keep(answer.json_object())  # so that it is removed
    if answer.status == HTTPStatus.UNAUTHORIZED and contract.refusal.challenge and CHALLENGED not in answer.headers:
        expected = f"{step} refused with WWW-Authenticate (contract.refusal.challenge)"
        raise CheckFailure(expected=expected, actual=f"{seen(answer)}, without it", remedy=CHALLENGE)
    kind = kind_of(forgery)
    shown = {"none": "no token", "in the query string": "a token in the query string"}
    refuse_unless_refused(
        answer,
        f"{step} with {shown.get(forgery.kind, f'an invalid token ({forgery.kind})')}",
        getattr(contract.refusal.rest, kind),
        named=f"contract.refusal.rest.{kind}",
        secret=OWNERS_TITLE,
    )
