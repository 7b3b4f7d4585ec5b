"""How long a Google API is waited for, and how many of its pages are read: each bound, and what is said there."""

import asyncio
from typing import Any

import pytest

from probes.errors import SourceRefused
from probes.logs import cloud_logging
from probes.logs.cloud_logging import MOST_EMPTY, entries_of
from tests.probes.answering import answering
from tests.probes.google.test_google_api import ENTRIES, WINDOW, log_api
from tests.probes.logs.test_export import entry
from tests.serving import Reply, serving_beside


def page(number: int, **more: object) -> tuple[int, dict[str, Any]]:
    return 200, {"nextPageToken": f"p{number}", **more}


async def test_as_many_empty_pages_in_a_row_as_the_bound_are_a_doubt() -> None:
    empty = [page(number) for number in range(MOST_EMPTY)]
    with answering(*empty, (200, ENTRIES)) as script:
        async with log_api(script.url) as api:
            given_up = await api.read(WINDOW)
    assert given_up.doubt == f"not at its end after {MOST_EMPTY} pages, the last {MOST_EMPTY} of them empty"
    with answering(*empty[1:], page(98, **ENTRIES), *empty[1:], (200, ENTRIES)) as script:
        async with log_api(script.url) as api:
            read = await api.read(WINDOW)
    assert read.doubt.endswith("it goes round in a circle")  # the tokens of the second half were seen before
    with answering(*empty[1:], (200, ENTRIES)) as script:
        async with log_api(script.url) as api:
            read = await api.read(WINDOW)
    assert (read.doubt, read.total, read.pages) == ("", 2, MOST_EMPTY)


async def test_as_many_pages_as_the_bound_are_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_logging, "MOST_PAGES", 3)
    full = [page(number, entries=[entry(number)]) for number in range(1, 6)]
    with answering(*full) as script:
        async with log_api(script.url) as api:
            read = await api.read(WINDOW)
    assert (read.doubt, read.total) == ("not at its end after 3 pages, the last 0 of them empty", 3)


async def test_without_a_choice_every_entry_is_kept() -> None:
    with answering((200, ENTRIES)) as script:
        async with log_api(script.url) as api:
            everything = await api.read(WINDOW)
            chosen = await api.read(WINDOW, keep=lambda one: one.status == 500)
    assert [one.status for one in everything.entries] == [200, 500]
    assert ([one.status for one in chosen.entries], chosen.total) == ([500], 2)


@pytest.mark.parametrize(
    "listed, said",
    [
        (5, "entries are not a list of objects: '5'"),
        ([{}, 1], "entries are not a list of objects: '[{}, 1]'"),
        ("x" * 161, f"entries are not a list of objects: '{'x' * 160}…'"),
    ],
)
def test_what_is_no_list_of_entries_is_shown_from_its_beginning(listed: object, said: str) -> None:
    with pytest.raises(SourceRefused) as caught:
        entries_of({"entries": listed})
    assert str(caught.value) == f"entries:list: {said}"
    assert entries_of({}) == []


@pytest.mark.parametrize(
    "asked, refused",
    [("149", ""), ("150", "over the read quota for 150 s (429); it asks to wait for 150 s")],
)
async def test_a_wait_that_reaches_beyond_the_deadline_is_not_begun(
    asked: str, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, answers = list[float](), [Reply(status=429, headers={"Retry-After": asked}), Reply(body=b'{"entries": []}')]

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", wait)
    with serving_beside(lambda _head: answers.pop(0)) as server:
        async with log_api(server.url) as api:
            if refused:
                with pytest.raises(SourceRefused) as caught:
                    await api.read(WINDOW)
                assert caught.value.detail == refused
            else:
                assert (await api.read(WINDOW)).total == 0
    assert (149.0 in waits) is not bool(refused)
    assert max(waits, default=0.0) < 150.0
