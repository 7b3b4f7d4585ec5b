"""Who may be given a kept answer, by RFC 9111."""

import httpx
import pytest

from probes.http.caching import given_to_others


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
