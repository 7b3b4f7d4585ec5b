"""At every door, a token's user is its `sub` and nothing else in the token."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pytest

from fixtures.doors import GOOD, DoorName, Doors
from fixtures.rows import Plant, Row
from fixtures.threads import Threads
from fixtures.users import MakeUser
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.forgeries import Forgery
from probes.auth.pool import UserPool
from probes.auth.tokens import Mint, User

NAME, THREAD = "Nv Namesake", "the thread of one user"
Pair = tuple[User, User]
# Pairs of test users that a careless look-up confuses: the first one to appear is then taken for both.
LOOKALIKES: Mapping[str, Callable[[User, User], Pair]] = {
    "one e-mail address": lambda first, other: (first, User(other.sub, first.email)),
    "one name": lambda first, other: (first, other),  # every token here says the same `name`
    "one begins like the other": lambda first, other: (first, User(f"{first.sub}-and-more", other.email)),
    "one of a provider": lambda first, other: (first, User(UserPool.of_provider(first), other.email)),
    "one in capitals": lambda first, other: (first, User(first.sub.upper(), other.email)),
}


@check(
    "identity.one-user",
    requirement="at every door a token's user is its `sub`, whatever its other claims say",
    needs="http mint write",
    remedy="Find the user only by `sub`, compared exactly: an address or a name is not an identity and may pass to "
    "somebody else.",
    looking="**an incident**: two users with one address share what is theirs; how does the service find a user?",
)
@pytest.mark.beside
@pytest.mark.parametrize(
    "door",
    [
        "rest",
        pytest.param("auth", marks=pytest.mark.also_needs("auth")),
        pytest.param("websocket by header", marks=pytest.mark.also_needs("ws"), id="websocket"),
    ],
)
async def test_a_token_is_its_subs_user(
    doors: Doors, threads: Threads, plant: Plant, make_user: MakeUser, mint: Mint, door: DoorName
) -> None:
    """Two users share an address or a name, or have similar ids: the door maps each token to its own `sub`."""
    named = replace(mint, extra_claims={**mint.extra_claims, "name": NAME, "preferred_username": NAME})
    pairs = {alike: pair_of(make_user("namesake"), make_user("namesake")) for alike, pair_of in LOOKALIKES.items()}
    if door == "rest":
        rows = {alike: [(await plant(user, title=THREAD))[0] for user in pair] for alike, pair in pairs.items()}
        asked = replace(threads, tokens=named)
        refusals = [partial(_refuse_mixed_lists, asked, pair, rows[alike], alike) for alike, pair in pairs.items()]
    else:
        refusals = [partial(_refuse_mixed_names, doors, door, named, pair, alike) for alike, pair in pairs.items()]
    await doors.rest.pace.together(refusals)


async def _refuse_mixed_names(doors: Doors, door: DoorName, tokens: Mint, pair: Pair, alike: str) -> None:
    """Raise CheckFailure unless a door names each of two users; the second is shown when the first is known."""
    for user in pair:
        said = await doors.ask(door, Forgery(GOOD, tokens.good(user)))
        if said is None or said.decision != "let in":
            await doors.refuse_shut([door])
        if said is None or said.decision != "let in" or said.user_id != user.sub:
            actual = "not asked" if said is None else f"{said.decision}, {said.user_id!r}: {said.detail}"
            raise CheckFailure(expected=f"{door} maps the token to {user.sub} ({alike})", actual=actual)


async def _refuse_mixed_lists(threads: Threads, pair: Pair, rows: Sequence[Row], alike: str) -> None:
    """Raise CheckFailure unless each of two users lists their own thread and not the other's."""
    for user, own, foreign in (*zip(pair, rows, reversed(rows), strict=True),):
        ids = {threads.id_of(item) for item in await threads.page(user)}
        if foreign.id in ids or own.id not in ids:
            actual = "a thread of the other user" if foreign.id in ids else f"{len(ids)} threads without it"
            raise CheckFailure(expected=f"the list of {user.sub} holds their own thread ({alike})", actual=actual)
