"""Windows of the threads list: they partition it, their bounds are checked, and a page's cost stays flat."""

import re
import statistics
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus

import pytest

from fixtures.http_services import refuse_server_error, seen
from fixtures.pace import Family
from fixtures.rows import Plant
from fixtures.threads import LIMIT, OFFSET, OUT_OF_RANGE, WINDOWED, Item, Threads
from fixtures.users import Borrow
from gate.check import check
from gate.evidence import Recorder
from gate.failures import CheckFailure
from probes.auth.tokens import User
from probes.http.client import Answer
from targets.contract import Contract
from targets.contract.rest import ThreadRules
from targets.model import Sizes

WHOLE_NUMBER = re.compile(r"-?\d{1,12}")
VOLUME_ROUNDS = 9
FURTHEST = 2**63 - 1  # what 64 bits hold: with a limit added, they do not
UNCOMPRESSED = {"Accept-Encoding": "identity"}
AS_CHECKED = "Read each parameter once, and use the value that was checked; refuse one that is given twice."
AS_ACCEPTED = "Compress only what the client accepts (Accept-Encoding), and send `Vary: Accept-Encoding`."


@check(
    "threads.pages",
    requirement="windows partition the list, even while a row is added",
    needs="http write mint",
    remedy=WINDOWED,
    looking="the window and the ids in the evidence: twice is an overlap, missing is a gap",
)
@pytest.mark.beside
@pytest.mark.parametrize("window", [pytest.param(size, id=f"{size}") for size in (1, 2, 3, 7, 20)])
async def test_windows_partition_the_list(threads: Threads, plant: Plant, owner: User, window: int) -> None:
    """Read in windows, the list has every row once, in order; a row added in between shifts it and loses none."""
    rows = await plant(owner, count=2 * window + 1)
    expected = {row.id for row in rows}
    starts = [number * window for number in range(4)]  # the last one is past the end
    listed = [threads.id_of(item) for item in await _windows(threads, owner, window, starts)]
    if len(listed) != len(set(listed)) or set(listed) != expected:
        raise CheckFailure(
            expected=f"{len(expected)} threads, each once, in windows of {window}",
            actual=f"{len(listed)} items, {len(set(listed))} different, {len(expected - set(listed))} missing",
        )
    first = await threads.page(owner, {LIMIT: window, OFFSET: 0})
    (added,) = await plant(owner)
    rest = await _windows(threads, owner, window, starts[1:3])
    lost = expected - {threads.id_of(item) for item in [*first, *rest]} - {listed[-1]}
    if lost:
        raise CheckFailure(expected="no row lost while one is added on top", actual=f"lost: {sorted(lost)}")
    again = [threads.id_of(item) for item in await _windows(threads, owner, window, starts)]
    if sorted(again) != sorted(expected | {added.id}):
        wanted = f"{len(expected) + 1} threads, each once, after one was added"
        raise CheckFailure(expected=wanted, actual=f"{len(again)} items, {len(set(again))} different")


async def _windows(threads: Threads, user: User, size: int, starts: Sequence[int]) -> list[Item]:
    """The items of these windows, asked together. Raises CheckFailure where one has more than was asked for."""
    asked = [partial(threads.page, user, {LIMIT: size, OFFSET: start}) for start in starts]
    pages = await threads.door.pace.together(asked)
    widest = max(map(len, pages))
    if widest > size:
        raise CheckFailure(expected=f"at most {size} items, the limit", actual=f"{widest} items")
    return [item for page in pages for item in page]


@check(
    "threads.bounds",
    requirement="a limit outside the contract's bounds and a negative offset are refused (422), never 5xx",
    needs="http token",
    remedy="Declare the bounds with the parameters, so that the framework refuses bad values.",
    looking="the case's `curl`: which value, and which status came instead of 422",
)
@pytest.mark.beside
@pytest.mark.parametrize("case", OUT_OF_RANGE)
async def test_out_of_range_is_refused(threads: Threads, family: Family, borrow: Borrow, case: str) -> None:
    """An impossible window is refused with 422, whatever is wrong with it; one within the bounds is answered."""
    params, rules = OUT_OF_RANGE[case], threads.contract.threads
    allowed = {HTTPStatus.OK} if _within(params, rules) else rules.out_of_bounds

    async def ask(case: str, recorder: Recorder) -> Answer:
        with borrow("owner") as user:
            return await threads.noted_by(recorder).ask(user, OUT_OF_RANGE[case])

    answer = await family.ask(case, ask)
    if answer.status not in allowed:
        bounds = f"contract.threads: limit {rules.min_limit}..{rules.max_limit}, out_of_bounds"
        raise CheckFailure(expected=f"{sorted(allowed)} for {params} ({bounds})", actual=seen(answer))


def _within(params: Mapping[str, str], rules: ThreadRules) -> bool:
    """Whether the contract allows a window: only an integer can be a limit."""
    text = str(params.get(LIMIT, ""))
    return bool(WHOLE_NUMBER.fullmatch(text)) and rules.min_limit <= int(text) <= rules.max_limit


@check(
    "threads.defaults",
    requirement="without a limit the list has 20 items, the largest window has 100, and an offset past the end "
    "gives []",
    needs="http write mint",
    remedy="limit defaults to 20 and offset to 0; an offset of any size is valid.",
    looking='`curl -H "Authorization: Bearer $TOKEN" $BACKEND/api/threads`: how many come?',
)
@pytest.mark.beside
async def test_defaults_and_edges(threads: Threads, plant: Plant, owner: User, contract: Contract) -> None:
    """The default window, the largest one, what an offset alone leaves of the list, and far past its end.

    The largest one comes as it is to a client that accepts no compression. No limit beside another one makes it larger.
    """
    rules = contract.threads
    await plant(owner, count=rules.max_limit + 1)
    windows = {
        "default": {},
        "widest": {LIMIT: rules.max_limit},
        "by an offset alone": {OFFSET: rules.max_limit - 1},
        "by a small offset alone": {OFFSET: 1},
        "past the end": {OFFSET: 10**9},
    }
    pages = await threads.door.pace.together(partial(threads.page, owner, window) for window in windows.values())
    sizes = {name: len(page) for name, page in zip(windows, pages, strict=True)}
    expected = {
        "default": rules.default_limit,
        "widest": rules.max_limit,
        "by an offset alone": min(2, rules.default_limit),
        "by a small offset alone": rules.default_limit,
        "past the end": 0,
    }
    if sizes != expected:
        raise CheckFailure(expected=f"window sizes {expected}", actual=f"{sizes}")
    plain = await threads.ask(owner, params=threads.query_of(windows["widest"]), headers=UNCOMPRESSED)
    if plain.headers.get("content-encoding", "identity") != "identity":
        expected_headers = "no Content-Encoding for a client that accepts none"
        raise CheckFailure(expected=expected_headers, actual=plain.headers["content-encoding"], remedy=AS_ACCEPTED)
    await _refuse_odd_windows(threads, owner, contract)


async def _refuse_odd_windows(threads: Threads, owner: User, contract: Contract) -> None:
    """Raise CheckFailure if an offset that 64 bits just hold is a 5xx, or if two limits widen the largest window."""
    furthest = await threads.ask(owner, params=threads.query_of({OFFSET: FURTHEST}))
    refuse_server_error(furthest, "an offset of 64 bits: an empty list, or a refusal")
    rules = contract.threads
    allowed, beyond = f"{rules.limit_parameter}={rules.min_limit}", f"{rules.limit_parameter}={rules.max_limit + 1}"
    queries = [f"{allowed}&{beyond}", f"{beyond}&{allowed}"]
    token, path = threads.tokens.good(owner), threads.contract.paths.threads
    asked = [partial(threads.door.get, f"{path}?{query}", token=token) for query in queries]
    for query, answer in zip(queries, await threads.door.pace.together(asked), strict=True):
        refuse_server_error(answer, f"?{query}: 4xx, or a window of one of them")
        listed = len(threads.listed(answer)) if answer.status == HTTPStatus.OK else 0
        if listed > rules.max_limit:
            expected = f"?{query}: at most {rules.max_limit} threads"
            raise CheckFailure(expected=expected, actual=f"{listed}", remedy=AS_CHECKED)


@check(
    "threads.volume",
    requirement="a first page takes about as long for an owner of 10,000 threads as for one of 20",
    needs="http write mint",
    remedy="Let the database cut the window, with an index on owner and updated_at; no query per row.",
    looking="both times in the evidence; `EXPLAIN (ANALYZE, BUFFERS)` of the list's query for an owner of many",
)
async def test_a_first_page_costs_a_page(
    threads: Threads, plant: Plant, owner: User, stranger: User, sizes: Sizes, contract: Contract, recorder: Recorder
) -> None:
    """The median time of a first page for the owner of many threads, over that for the owner of twenty."""
    await plant(stranger, count=20)
    await plant(owner, count=sizes.volume_rows)
    times: dict[str, list[float]] = {stranger.sub: [], owner.sub: []}
    for _ in range(VOLUME_ROUNDS + 1):
        for user in (stranger, owner):  # in turn, so that a slow moment of the machine affects both
            times[user.sub].append(await _time_first_page(threads, user))
    await _refuse_other_end(threads, owner, sizes.volume_rows)
    few, many = (statistics.median(times[user.sub][1:]) for user in (stranger, owner))
    ratio = many / few
    recorder.figures(
        rule=f"median first page, {sizes.volume_rows} threads over 20",
        n=VOLUME_ROUNDS,
        value=round(ratio, 2),
        unit="x",
        limit=contract.threads.volume_ratio,
        few_ms=round(few, 2),
        many_ms=round(many, 2),
    )
    if ratio > contract.threads.volume_ratio:
        raise CheckFailure(
            expected=f"at most {contract.threads.volume_ratio} times the cost of a page for 20 threads",
            actual=f"{ratio:.1f} times ({many:.1f} ms against {few:.1f} ms)",
        )


async def _time_first_page(threads: Threads, user: User) -> float:
    """How long a first page of twenty takes, in milliseconds. Raises CheckFailure for anything else."""
    answer = await threads.ask(user, {LIMIT: 20})
    refuse_server_error(answer, "a first page")
    if answer.status != HTTPStatus.OK or len(threads.items(answer)) != 20:  # noqa: PLR2004 - the window that was asked for
        raise CheckFailure(expected="a first page of 20", actual=seen(answer))
    return answer.elapsed_s * 1_000


async def _refuse_other_end(threads: Threads, owner: User, count: int) -> None:
    """Raise CheckFailure unless the last thread of many is at its place, and nothing comes after it."""
    asked = [partial(threads.page, owner, {LIMIT: 1, OFFSET: offset}) for offset in (count - 2, count - 1, count)]
    pages = await threads.door.pace.together(asked)
    ids = [threads.id_of(item) for page in pages for item in page]
    if [len(page) for page in pages] != [1, 1, 0] or len(set(ids)) != len(ids):
        raise CheckFailure(
            expected=f"one thread each at offset {count - 2} and {count - 1} of {count}, and none at {count}",
            actual=f"{[len(page) for page in pages]}, {len(set(ids))} different",
            remedy=WINDOWED,
        )
