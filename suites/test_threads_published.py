"""What the service publishes below single threads, beyond the contract's own routes: it is their owner's, too."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from fixtures.http_services import CLIENT_ERRORS, seen
from fixtures.journeys import OWNERS_TITLE, STEPS, Journey, route_of
from fixtures.messages import Messages
from fixtures.rows import Plant
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure, Pending
from probes.auth.forgeries import Forgery, forge
from probes.auth.tokens import User
from probes.http.client import Answer
from probes.openapi.operations import operations_below
from targets.contract import Contract

SECRET = "what only its owner has said"
ANOTHER = "another user"
AGED = timedelta(days=1)  # a change of its time would not be seen within a second
SHOWN = {ANOTHER: "another user's token", "none": "no token"}
NOTHING_FIRST = "Find the thread by id and owner before anything is written, the time of its last change included."
KINDS = ("none", "wrong signature", "expired")  # of credentials that let no one in
BODILESS = frozenset({"GET", "HEAD", "DELETE"})


@check(
    "threads.published",
    requirement="every other operation that is published below a single thread refuses other users, and requests "
    "without a valid token, and does nothing for them",
    needs="http write mint single document",
    remedy="Make validation, and the search by id and owner, a dependency of the router of single threads, so that an "
    "action added to it can't forget them. An operation that is for anyone: name it in [contract.api] for_anyone.",
    looking="**an incident if anyone was let in**: the operation and its answer, in the evidence",
)
@pytest.mark.beside
@pytest.mark.parametrize("who", [ANOTHER, *KINDS])
async def test_what_is_below_a_thread_is_its_owners(
    journey: Journey,
    plant: Plant,
    messages: Messages,
    stranger: User,
    document: dict[str, Any],
    recorder: Recorder,
    who: str,
) -> None:
    """Each is refused with 4xx, which may be for a request that lacks something; the thread is as it was.

    The thread has a message, so that an operation that works on messages would do so. The contract's own routes are
    for other checks; a document that names none of them says nothing of what is below a thread.
    """
    (row,) = await plant(stranger, title=OWNERS_TITLE, age=AGED)
    if messages.writer is not None:
        await messages.plant(row.id, [(0, SECRET, timedelta(minutes=1))])
    shown = SHOWN.get(who, f"an invalid token ({who})")
    before = await journey.listed(row.id, stranger)
    operations, forgery = _others(document, journey.threads.contract), _presented(who, journey, stranger)
    await _refuse_let_in(journey, operations, row.id, forgery, shown, recorder)
    await journey.refuse_changed(row.id, OWNERS_TITLE, f"requests with {shown}", stranger)
    after = await journey.listed(row.id, stranger)
    if after != before:
        expected = f"the owner's thread as before requests with {shown}: {before}"
        raise CheckFailure(expected=expected, actual=f"{after}", remedy=NOTHING_FIRST)


async def _refuse_let_in(
    journey: Journey, operations: Sequence[str], thread_id: str, forgery: Forgery, shown: str, recorder: Recorder
) -> None:
    """Raise CheckFailure unless each operation refuses the credential, which is `shown` so, for this thread."""
    asked = [partial(_ask, journey, operation, thread_id, forgery) for operation in operations]
    answers = dict(zip(operations, await journey.threads.door.pace.together(asked), strict=True))
    recorder.attach("answers", {operation: answer.status for operation, answer in answers.items()})
    rule = "published operations below a thread, beyond the contract's own"
    recorder.figures(rule=rule, n=len(answers), value=len(answers))
    troubles = [f"{operation}: {seen(answer)}" for operation, answer in answers.items() if not _is_refused(answer)]
    if troubles:
        raise CheckFailure(
            expected=f"4xx with {shown} by each of {len(operations)} published operations below a thread, and nothing "
            "of the thread",
            actual="; ".join(troubles[:4]),
        )


def _presented(who: str, journey: Journey, owner: User) -> Forgery:
    tokens = journey.threads.tokens
    return Forgery(who, tokens.good(journey.user)) if who == ANOTHER else forge(who, tokens, owner)


def _others(document: dict[str, Any], contract: Contract) -> list[str]:
    """The published operations below a thread, but for the contract's, those that are never called, or for anyone.

    Raises Pending if there are none at all.
    """
    rules, own = contract.api, [route_of(contract, step, "{}") for step in STEPS]
    path = next(path for _, path in own if path)
    published = operations_below(document, path, excluded=rules.excluded, for_anyone=rules.for_anyone)
    if not published:
        raise Pending(f"the document has no operation at {path} or below it ([contract.api] document)")
    return sorted(set(published) - set(map(" ".join, own)))


async def _ask(journey: Journey, operation: str, thread_id: str, forgery: Forgery) -> Answer:
    method, path = operation.replace("{}", thread_id).split(" ", 1)
    body = None if method in BODILESS else journey.body(title="taken over")
    return await journey.threads.door.ask(method, path, headers=forgery.headers(), json=body)


def _is_refused(answer: Answer) -> bool:
    """Whether the answer is a client's error, and has neither title nor message of the thread in it."""
    return answer.status in CLIENT_ERRORS and OWNERS_TITLE not in answer.text and SECRET not in answer.text
