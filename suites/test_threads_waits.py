"""Whether what one request does keeps another one waiting."""

import asyncio

from fixtures.extra_wait import refuse_wait
from fixtures.journeys import TITLE, Journey
from fixtures.users import MakeUser
from gate.check import check
from gate.evidence import Recorder
from probes.auth.tokens import User


@check(
    "threads.beside-changes",
    requirement="a list takes no longer while a thread of another user is created, changed, read or archived",
    needs="http write mint single",
    remedy="Await what waits, and run what computes or blocks in a thread: one blocking call stops every request.",
    looking="both times in the evidence; blocking calls (sleep, requests, a synchronous driver) in the route's handler",
)
async def test_no_step_keeps_others_waiting(journey: Journey, owner: User, recorder: Recorder) -> None:
    """In up to five rounds a list is asked for alone, and again and again during each step of another user.

    The slowest list of a round is compared, and the best round counts.
    """

    async def measure() -> tuple[float, float]:
        usual, beside, thread_id = await journey.threads.ask(owner), list[float](), ""
        for step in ("create", "rename", "read", "history", "archive"):
            body = journey.body(title=TITLE) if step in {"create", "rename"} else None
            taking = asyncio.create_task(journey.do(step, thread_id, json=body))
            try:
                while not taking.done():
                    beside.append((await journey.threads.ask(owner)).elapsed_s)
            finally:
                answer = await taking
            thread_id = thread_id or journey.keep(answer.json_object())
        return usual.elapsed_s, max(beside)

    limit_s = journey.threads.contract.threads.after_create_s
    await refuse_wait(
        measure, recorder, "a list beside another user's step", limit_s, "contract.threads.after_create_s"
    )


@check(
    "threads.newcomer",
    requirement="a user's first list takes no longer than the next one",
    needs="http write mint single",
    remedy="Prepare nothing for a user within a request: no profile that is fetched, no cache that is filled.",
    looking="both times in the evidence; what is done at the first request of a user, or of a token",
)
async def test_a_newcomer_waits_no_longer(journey: Journey, make_user: MakeUser, recorder: Recorder) -> None:
    """In up to five rounds a user who has asked for nothing yet asks for a list twice; the best round counts."""

    async def measure() -> tuple[float, float]:
        user = make_user("newcomer")
        first = await journey.threads.ask(user)
        return (await journey.threads.ask(user)).elapsed_s, first.elapsed_s

    limit_s = journey.threads.contract.threads.after_create_s
    await refuse_wait(measure, recorder, "a user's first list", limit_s, "contract.threads.after_create_s")


@check(
    "threads.after-create",
    requirement="a list right after a create takes no longer than any other",
    needs="http write mint single",
    remedy="Have the answer end before the work that follows it begins: a middleware that wraps the whole answer "
    "(BaseHTTPMiddleware) makes the connection's next request wait for background tasks.",
    looking="both times in the evidence; what a create leaves to do (background tasks), and the middlewares around it",
)
async def test_the_next_request_waits_for_nothing(journey: Journey, recorder: Recorder) -> None:
    """In up to five rounds a list is read, a thread created and the list read again; the best round counts."""

    async def measure() -> tuple[float, float]:
        usual = await journey.threads.ask(journey.user)
        await journey.create(title=TITLE)
        return usual.elapsed_s, (await journey.threads.ask(journey.user)).elapsed_s

    limit_s = journey.threads.contract.threads.after_create_s
    await refuse_wait(measure, recorder, "a list right after a create", limit_s, "contract.threads.after_create_s")
