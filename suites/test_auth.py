"""The doors decide correctly, and all of them in the same way."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus

import pytest

from fixtures.doors import CHALLENGE, NEED_OF, DoorName, Doors, Said
from fixtures.http_services import CLIENT_ERRORS, AuthDoor, Door, refuse_server_error, seen
from fixtures.pace import Family
from fixtures.reading import fits, without
from fixtures.users import Borrow, MakeUser
from gate.check import check
from gate.evidence import Recorder
from gate.failures import Broken, CheckFailure
from probes.auth.forgeries import REFRESH, SIGNED, UNSIGNED, Forgery, forge
from probes.auth.odd_tokens import LONG, ODD_EMAIL, ODD_TOKENS, with_odd_letters
from probes.auth.tokens import Mint, TokenSource, User
from probes.secret import Secret
from targets.contract import Contract

FIX_4 = (
    "Fix 4 (AuthServiceClient): one pooled client, a deadline, a circuit breaker, "
    "no retry of refusals, no local fallback."
)
WITH_THE_SECRET = pytest.mark.also_needs("mint")
WITH_REFRESH_TOKENS = pytest.mark.also_needs("mint", "refresh-tokens")
SIGNED_KINDS = [
    pytest.param(kind, marks=WITH_REFRESH_TOKENS if kind == REFRESH else WITH_THE_SECRET) for kind in SIGNED
]
REPEAT = (
    "Answer with the claims of the token that was validated, each under its own name, and with its end in UTC: "
    "callers decide by them who may do what, and for how long they may remember it."
)
OTHER_CLIENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
UNBOUND = "Accept a token from any client: a page, an app and a job of one user may hold the same one."
ODD = [pytest.param(kind, marks=[pytest.mark.beside, WITH_THE_SECRET]) for kind in ODD_TOKENS]
REMEDIES = {  # of valid tokens that only some services refuse
    LONG: "Limit a token's length by what a header can hold, at every door alike: a user may have many permissions.",
    ODD_EMAIL: "Take an address for text of any letters (RFC 6531), wherever it is checked, stored, logged or sent on.",
}
AT_THE_DOOR = [
    pytest.param(door, marks=[pytest.mark.beside, *([] if need == "http" else [pytest.mark.also_needs(need)])])
    for door, need in NEED_OF.items()
]


@check(
    "auth.reachable",
    requirement="the auth service is healthy within its deadline",
    needs="auth",
    remedy="Deployment checklist: verify the auth service's health before the backend is deployed.",
    looking="`curl -i $AUTH/health`; `gcloud run services describe netra-auth-service`",
)
async def test_auth_answers(auth: AuthDoor, contract: Contract, recorder: Recorder) -> None:
    """The auth service's health route answers 200, with the body that the contract says."""
    answer = await auth.get(contract.paths.auth_health)
    recorder.figures(rule="one call", n=1, value=round(answer.elapsed_s * 1e3, 1), unit="ms")
    if answer.status != HTTPStatus.OK:
        raise CheckFailure(expected="200", actual=seen(answer))
    if not fits(answer, contract.health.auth):
        raise CheckFailure(expected="the body of contract.health.auth", actual=seen(answer))


@check(
    "auth.accepts",
    requirement="a valid token is accepted by auth, REST and WebSocket, as the same user and with its own claims",
    needs="http token",
    remedy=FIX_4,
    looking="which door refuses, in the case's name; `/validate`, then `curl -i -H \"Authorization: Bearer "
    '$TOKEN" $BACKEND/api/threads`',
)
@pytest.mark.parametrize("how", [*AT_THE_DOOR, *ODD])
async def test_a_good_token_is_let_in(
    doors: Doors, tokens: TokenSource, owner: User, make_user: MakeUser, how: str
) -> None:
    """The door accepts a newly signed token, and names the token's own user; validation also repeats its claims.

    REST accepts it from another client, too: a token is not bound to the one that showed it first.

    Every door also accepts a token whose issuer's clock is ahead by half of what the contract allows, one whose
    audience is a list of this service and another, one of more than 2 KiB, and one whose email is not ASCII.
    """
    if how not in ODD_TOKENS:
        door = next(name for name in NEED_OF if name == how)
        token = _to_show(doors, door, tokens, owner)
        await _refuse_unless_let_in(doors, door, token, owner)
        if door == "rest":
            await _refuse_bound(doors, token)
        return
    if not isinstance(tokens, Mint):
        raise Broken("this kind of token requires the signing secret: the case should need `mint`")
    user = with_odd_letters(make_user("accented")) if how == ODD_EMAIL else owner  # services know a user's first email
    token = ODD_TOKENS[how](tokens, user)
    await doors.rest.pace.together(
        partial(_refuse_unless_let_in, doors, door, token, user, how) for door in doors.names
    )


def _to_show(doors: Doors, door: DoorName, tokens: TokenSource, owner: User) -> Secret:
    """A valid token; for validation, one with claims whose repetition is seen, if we can sign it."""
    shown = doors.contract.validation.shown_claims
    if door == "auth" and shown and isinstance(tokens, Mint):
        return tokens.sign(tokens.claims(owner) | shown)
    return tokens.good(owner)


async def _refuse_bound(doors: Doors, token: Secret) -> None:
    """Raise CheckFailure unless REST accepts from another client the token that it has just accepted from ours."""
    answer = await doors.rest.get(doors.contract.paths.threads, token=token, headers={"User-Agent": OTHER_CLIENT})
    refuse_server_error(answer, "the same token from another client is accepted")
    if answer.status != HTTPStatus.OK:
        raise CheckFailure(
            expected="the same token from another client is accepted", actual=seen(answer), remedy=UNBOUND
        )


async def _refuse_unless_let_in(doors: Doors, door: DoorName, token: Secret, owner: User, odd: str = "") -> None:
    """Raise CheckFailure unless a door accepts the token, as its own user's and with its own claims."""
    said = await doors.ask(door, Forgery("good", token))
    if said is None or said.decision != "let in":
        await doors.refuse_shut([door])
        actual = said.detail if said else "not asked"
        expected = f"{door} accepts a valid token{odd and f' ({odd})'}"
        raise CheckFailure(expected=expected, actual=actual, remedy=REMEDIES.get(odd, ""))
    if door != "rest" and said.user_id != owner.sub:
        raise CheckFailure(expected=f"user {owner.sub}", actual=f"{door} names {said.user_id!r}")
    if said.unlike_token:
        raise CheckFailure(
            expected="the token's own claims (contract.validation.repeats)",
            actual=f"{door}: {said.unlike_token}",
            remedy=REPEAT,
        )


@check(
    "auth.refuses",
    requirement="every door refuses an invalid token: never 5xx, never a session",
    needs="http token",
    remedy="Verify signature, algorithm, issuer, audience, times and type in one place; " + FIX_4,
    looking="**an incident if anyone was let in**: the case's name is the forgery, the evidence names the door",
)
@pytest.mark.beside
@pytest.mark.parametrize("kind", [*UNSIGNED, *SIGNED_KINDS])
async def test_a_bad_token_is_refused_everywhere(
    doors: Doors, family: Family, tokens: TokenSource, borrow: Borrow, contract: Contract, kind: str
) -> None:
    """Every door that can be given this kind of token refuses it; REST sends the standard header and no reason."""

    async def present(kind: str, recorder: Recorder) -> dict[DoorName, Said]:
        shown_to = doors.noted_by(recorder)
        with borrow("owner") as user:
            forgery = forge(kind, tokens, user)
            said = {door: await shown_to.ask(door, forgery) for door in doors.names}
        return {door: one for door, one in said.items() if one is not None}

    _refuse_unless_refused(await family.ask(kind, present), contract)


def _refuse_unless_refused(asked: Mapping[DoorName, Said], contract: Contract) -> None:
    """Raise CheckFailure unless every door that was asked refused as it should, and there was one."""
    wrong, in_other_words = [], True
    for door, said in asked.items():
        if said.decision != "refused":
            wrong.append(f"{door}: {said.decision}, {said.detail}")
            in_other_words &= said.facts.get("status") in CLIENT_ERRORS
        elif _without_challenge(said) and contract.refusal.challenge:
            wrong.append(f"{door}: 401 without WWW-Authenticate (contract.refusal.challenge)")
    if wrong or not asked:
        raise CheckFailure(
            expected=f"refused at all doors ({len(asked)} asked)", actual="; ".join(wrong) or "no door asked",
            remedy=CHALLENGE if wrong and in_other_words else "",
        )  # fmt: skip


def _without_challenge(said: Said) -> bool:
    """Whether a 401 from REST lacks WWW-Authenticate; the other doors don't send it."""
    return said.facts.get("status") == HTTPStatus.UNAUTHORIZED and not said.facts.get("www_authenticate")


@check(
    "auth.same-answer",
    requirement="every invalid token gets the same answer, which gives no reason",
    needs="http mint",
    remedy="Send one error for all refusals; log the reason, but do not send it.",
    looking="the answers in the evidence, side by side",
)
async def test_refusals_look_alike(backend: Door, mint: Mint, make_user: MakeUser, contract: Contract) -> None:
    """Expired, forged and malformed tokens get the same answer, apart from the request's own id and time."""
    kinds = ("expired", "wrong signature", "not a JWT", "wrong audience")
    forgeries = [forge(kind, mint, make_user("hint")) for kind in kinds]
    asked = [partial(backend.get, contract.paths.threads, headers=forgery.headers()) for forgery in forgeries]
    answers = {}
    for kind, answer in zip(kinds, await backend.pace.together(asked), strict=True):
        refuse_server_error(answer, "a refusal")
        answers[kind] = f"{answer.status} {without(answer.json(), contract.refusal.volatile)}"
    if len(set(answers.values())) > 1:
        raise CheckFailure(
            expected="one answer for all, except for the fields in contract.refusal.volatile", actual=f"{answers}"
        )
