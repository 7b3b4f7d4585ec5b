"""The cost of a refusal, which is an answer and not a failure to retry."""

import statistics
from http import HTTPStatus

from fixtures.http_services import Door, seen
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure, Pending
from probes.auth.forgeries import forge_plain
from probes.auth.tokens import TokenSource, User
from probes.http.client import Answer
from probes.statistics.exact import chance_of_at_least
from targets.contract import Contract

PAIRS = 15
CHANCE_AT_MOST = 0.01


@check(
    "auth.cheap-refusal",
    requirement="refusing a token takes at most three times as long as accepting one",
    needs="auth http token",
    remedy="Fix 4 retries a plain refusal three times with back-off. Don't: a refusal is an answer, not a failure.",
    looking="both times in the evidence; the log of one refused request: how often does it say that it tried?",
)
async def test_refusing_is_cheap(
    backend: Door, tokens: TokenSource, owner: User, contract: Contract, recorder: Recorder
) -> None:
    """Pairs of an accepted and a refused REST request: in how many did the refusal take over three times as long?

    With the median ratio at the limit, half of the pairs are over it. The claim is refuted only by more pairs than
    chance would explain, so a busy moment that affects a few pairs does no harm.
    """
    limit = contract.auth.refusal_cost_ratio
    pairs = [await _pair(backend, tokens, owner, contract) for _ in range(PAIRS)]
    served = all(answer.server_ms is not None for pair in pairs for answer in pair)
    times = [(_ms(good, served=served), _ms(bad, served=served)) for good, bad in pairs]
    over = sum(bad > limit * good for good, bad in times)
    chance = chance_of_at_least(over, PAIRS, 0.5)
    refused = statistics.median(bad for _, bad in times)
    ratio = refused / statistics.median(good for good, _ in times)
    recorder.figures(
        rule=f"median refused over median accepted, by the {'server' if served else 'client'}'s clock",
        n=PAIRS,
        value=round(ratio, 2),
        limit=limit,
        confidence=1 - CHANCE_AT_MOST,
        pairs_over=over,
        by_chance_at_the_limit=round(chance, 5),
    )
    figures = f"{ratio:.1f} times ({refused:.0f} ms), {over} of {PAIRS} pairs over the limit"
    if chance <= CHANCE_AT_MOST:
        raise CheckFailure(expected=f"at most {limit:g} times", actual=figures)
    if ratio > limit:
        raise Pending(f"neither proved nor refuted at {1 - CHANCE_AT_MOST:.0%} confidence: {figures}")


async def _pair(backend: Door, tokens: TokenSource, owner: User, contract: Contract) -> tuple[Answer, Answer]:
    good = await backend.get(contract.paths.threads, token=tokens.good(owner))
    bad = await backend.get(contract.paths.threads, headers=forge_plain(tokens, owner).headers())
    if good.status != HTTPStatus.OK or bad.status not in contract.refusal.rest.bad:
        raise CheckFailure(expected="200 and a refusal", actual=f"{seen(good)}; {seen(bad)}")
    return good, bad


def _ms(answer: Answer, *, served: bool) -> float:
    """The server's own time if it reports one: over a long round trip the cost of a refusal would not show."""
    return answer.server_ms if served and answer.server_ms is not None else answer.elapsed_s * 1e3
