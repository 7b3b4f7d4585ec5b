"""The doors decide right, and alike."""

import pytest

from fixtures.doors import AuthDoor, Door, refuse_server_error, seen
from fixtures.people import MakeUser
from fixtures.tokens import DOORS, OK, DoorName, Doors
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.forgeries import KINDS, Forgery, forge
from probes.statistics import trials_to_catch
from probes.tokens import Mint, User
from targets.contract import Contract
from targets.model import Sizes

FIX_4 = (
    "Fix 4 (AuthServiceClient): one pooled client, a deadline, a circuit breaker, "
    "no retry of refusals, no local fallback."
)
CAUGHT_RATE = 0.05


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
    needs="auth http ws mint",
    remedy=FIX_4,
)
@pytest.mark.parametrize("door", DOORS)
async def test_a_good_token_is_let_in(doors: Doors, mint: Mint, owner: User, door: DoorName) -> None:
    """A freshly signed token opens the door, and the door names the token's own user."""
    said = await doors.ask(door, Forgery("good", mint.good(owner)))
    if said is None or said.decision != "let in":
        raise CheckFailure(expected=f"{door} lets a good token in", actual=said.detail if said else "not asked")
    if door != "rest" and said.user_id != owner.sub:
        raise CheckFailure(expected=f"user {owner.sub}", actual=f"{door} names {said.user_id!r}")


@check(
    "auth.refuses",
    requirement="a bad token is refused at every door: never 5xx, never a session",
    needs="auth http ws mint",
    remedy="Verify signature, algorithm, issuer, audience, times and type at one place; " + FIX_4,
)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_bad_token_is_refused_everywhere(doors: Doors, mint: Mint, owner: User, kind: str) -> None:
    """Every door at which this kind can be presented refuses it, REST with the standard header and no reason."""
    forgery = forge(kind, mint, owner)
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
    "auth.agreement",
    requirement="the doors decide alike, every token, every time",
    needs="auth http ws mint",
    remedy="The report's partially resolved category: REST failing now and then. " + FIX_4,
)
async def test_the_doors_agree_every_time(
    doors: Doors, mint: Mint, owner: User, sizes: Sizes, recorder: Recorder
) -> None:
    """Good and expired tokens in turns at every door: one disagreement in any round is a failure."""
    rounds = sizes.agreement_rounds
    differences = []
    for number in range(rounds):
        bad = number % 2 == 1
        forgery = forge("expired", mint, owner) if bad else Forgery("good", mint.good(owner))
        # A WebSocket costs ten times a REST call; every fifth round asks it too.
        asked = DOORS if number % 5 == 0 else DOORS[:2]
        for door in asked:
            said = await doors.ask(door, forgery)
            if said is not None and said.decision != ("refused" if bad else "let in"):
                differences.append(f"round {number}, {forgery.kind} token, {door}: {said.decision}, {said.detail}")
    recorder.figures(
        rule="rounds without disagreement; a door that errs in 5 % of calls is missed with the probability given",
        n=rounds, value=len(differences), limit=0, missed=round((1 - CAUGHT_RATE) ** rounds, 5),
        rounds_for_1_in_1000=trials_to_catch(CAUGHT_RATE, 0.001),
    )  # fmt: skip
    if differences:
        raise CheckFailure(
            expected=f"{rounds} rounds of one opinion",
            actual=f"{len(differences)} differences, such as {differences[0]}",
            evidence={"differences": differences[:20]},
        )


@check(
    "auth.service-key",
    requirement="validation without the service key is refused",
    needs="auth mint",
    remedy="Compare X-Service-Key, in constant time, before looking at the token.",
)
@pytest.mark.parametrize("key", [pytest.param("", id="none"), pytest.param("wrong", id="wrong")])
async def test_validation_needs_the_service_key(
    auth: AuthDoor, mint: Mint, owner: User, contract: Contract, key: str
) -> None:
    """A good token with no service key, or a wrong one, is not validated."""
    answer = await auth.validate(mint.good(owner), contract=contract, service_key=key)
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
