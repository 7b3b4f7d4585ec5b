"""Who may be given a kept answer, by RFC 9111."""

import httpx
import pytest

from probes.http.caching import given_to_others, kept_for_another_origin


@pytest.mark.parametrize(
    "headers,authorized,kept",
    [
        ({}, True, False),
        ({"Cache-Control": "private, no-store"}, True, False),
        ({"Cache-Control": "public, max-age=60"}, True, True),
        ({"Cache-Control": "s-maxage=60"}, True, True),
        ({"Cache-Control": "s-maxage=0"}, True, False),
        ({"Cache-Control": "max-age=60, must-revalidate"}, True, True),
        ({"Cache-Control": "private, max-age=60"}, True, True),
        ({"Cache-Control": "private, max-age=60", "Vary": "Accept, Authorization"}, True, False),
        ({"Cache-Control": "private, no-cache, max-age=60"}, True, False),
        ({"Cache-Control": 'private="set-cookie", public'}, True, True),
        ({"Cache-Control": "no-store", "CDN-Cache-Control": "max-age=60"}, True, True),
        ({"Cache-Control": "no-store", "Age": "12"}, True, True),
        ({"Cache-Control": "no-store", "Age": "0"}, True, False),
        ({"Cache-Control": "max-age=60"}, False, True),
        ({"Cache-Control": "private, max-age=60"}, False, False),
        ({}, False, False),
    ],
)
def test_what_a_cache_may_give_to_somebody_else(headers: dict[str, str], *, authorized: bool, kept: bool) -> None:
    assert bool(given_to_others(httpx.Headers(headers), authorized=authorized)) is kept


@pytest.mark.parametrize(
    "headers,kept",
    [
        ({}, False),
        ({"cache-control": "no-store"}, False),
        ({"cache-control": "public, max-age=60"}, True),
        ({"cache-control": "max-age=0"}, False),
        ({"cache-control": "private, max-age=60", "vary": "Accept, Origin"}, False),
        ({"cache-control": "s-maxage=5", "vary": "Accept"}, True),
        ({"cache-control": "public", "vary": "*"}, False),
    ],
)
def test_what_a_cache_may_give_to_a_page_of_another_origin(headers: dict[str, str], *, kept: bool) -> None:
    assert bool(kept_for_another_origin(httpx.Headers(headers))) == kept
