"""The doors decide right, and alike."""

import pytest

from fixtures.doors import DOORS, OK, DoorName, Doors
from fixtures.http_services import AuthDoor, Door, refuse_server_error, seen
from fixtures.users import MakeUser
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.auth.forgeries import SIGNED, UNSIGNED, Forgery, forge
from probes.auth.tokens import Mint, TokenSource, User
from probes.secret import Secret
from targets.contract import Contract

FIX_4 = (
    "Fix 4 (AuthServiceClient): one pooled client, a deadline, a circuit breaker, "
    "no retry of refusals, no local fallback."
)
WITH_THE_SECRET = pytest.mark.also_needs("mint")


@check(
    "auth.reachable",
    requirement="the auth service is healthy within its deadline",
    needs="auth",
    remedy="Deployment checklist: verify the auth service's health before the backend is deployed.",
)
async def test_auth_answers(auth: AuthDoor, contract: Contract, recorder: Recorder) -> None:
    """Its health answers 200."""
    answer = await auth.get(contract.paths.auth_health)
    recorder.figures(rule="one call", n=1, value=round(answer.elapsed_s * 1e3, 1), unit="ms")
    if answer.status != OK:
        raise CheckFailure(expected="200", actual=seen(answer))


@check(
    "auth.accepts",
    requirement="a good token is accepted by auth, REST and WebSocket, as the same user",
    needs="auth http ws token",
    remedy=FIX_4,
)
@pytest.mark.parametrize("door", DOORS)
async def test_a_good_token_is_let_in(doors: Doors, tokens: TokenSource, owner: User, door: DoorName) -> None:
    """A freshly signed token opens the door, and the door names the token's own user."""
    said = await doors.ask(door, Forgery("good", tokens.good(owner)))
    if said is None or said.decision != "let in":
        raise CheckFailure(expected=f"{door} lets a good token in", actual=said.detail if said else "not asked")
    if door != "rest" and said.user_id != owner.sub:
        raise CheckFailure(expected=f"user {owner.sub}", actual=f"{door} names {said.user_id!r}")


@check(
    "auth.refuses",
    requirement="a bad token is refused at every door: never 5xx, never a session",
    needs="auth http ws token",
    remedy="Verify signature, algorithm, issuer, audience, times and type at one place; " + FIX_4,
)
@pytest.mark.parametrize("kind", [*UNSIGNED, *(pytest.param(one, marks=WITH_THE_SECRET) for one in SIGNED)])
async def test_a_bad_token_is_refused_everywhere(doors: Doors, tokens: TokenSource, owner: User, kind: str) -> None:
    """Every door at which this kind can be presented refuses it, REST with the standard header and no reason."""
    forgery = forge(kind, tokens, owner)
    wrong, asked = [], 0
    for door in DOORS:
        said = await doors.ask(door, forgery)
        if said is None:
            continue
        asked += 1
        if said.decision != "refused":
            wrong.append(f"{door}: {said.decision}, {said.detail}")
        elif door == "rest" and "401" in said.detail[:3] and not said.facts.get("www_authenticate"):
            wrong.append("rest: 401 without WWW-Authenticate")
    if wrong or not asked:
        raise CheckFailure(expected=f"refused at all doors ({asked} asked)", actual="; ".join(wrong) or "no door asked")


@check(
    "auth.service-key",
    requirement="validation without the service key is refused",
    needs="auth token",
    remedy="Compare X-Service-Key, in constant time, before looking at the token.",
)
@pytest.mark.parametrize("key", [pytest.param("", id="none"), pytest.param("wrong", id="wrong")])
async def test_validation_needs_the_service_key(
    auth: AuthDoor, tokens: TokenSource, owner: User, contract: Contract, key: str
) -> None:
    """A good token with no service key, or a wrong one, is not validated."""
    answer = await auth.validate(tokens.good(owner), contract=contract, service_key=Secret(key))
    if answer.status not in contract.refusal.service_key_statuses:
        raise CheckFailure(
            expected=f"{sorted(contract.refusal.service_key_statuses)} with service key {key!r}", actual=seen(answer)
        )


@check(
    "auth.same-answer",
    requirement="every bad token gets the same answer, with no hint why",
    needs="http mint",
    remedy="One error for all refusals; log the reason, do not answer it.",
)
async def test_refusals_look_alike(backend: Door, mint: Mint, make_user: MakeUser, contract: Contract) -> None:
    """Expired, forged and malformed tokens are answered alike, apart from the request's own id."""
    answers = {}
    for kind in ("expired", "wrong signature", "not a JWT", "wrong audience"):
        forgery = forge(kind, mint, make_user("hint"))
        answer = await backend.get(contract.paths.threads, headers=forgery.headers())
        refuse_server_error(answer, "a refusal")
        body = answer.json()
        shape = {k: v for k, v in body.items() if "id" not in k.lower()} if isinstance(body, dict) else body
        answers[kind] = f"{answer.status} {shape}"
    if len(set(answers.values())) > 1:
        raise CheckFailure(expected="one answer for all", actual=f"{answers}")
