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


@pytest.mark.parametrize(
    "headers, authorized, said",
    [
        ({"Age": "12"}, True, "it came out of a cache (Age: 12)"),
        ({"Age": " "}, True, ""),
        (
            {"Cache-Control": "public, max-age=60"},
            True,
            "a shared cache may keep it (Cache-Control: public, max-age=60)",
        ),
        ({"Surrogate-Control": "max-age=5"}, True, "a shared cache may keep it (Surrogate-Control: max-age=5)"),
        ({"Cdn-Cache-Control": "no-store", "Surrogate-Control": "public"}, True, "a shared cache may keep it (Surrog"),
        ({"Cache-Control": "max-age=60"}, True, "the same browser keeps it for 60 s for its next user (no Vary: Auth"),
        ({"Cache-Control": "max-age=60", "Vary": "*"}, True, ""),
        ({"Cache-Control": "max-age=60, no-store"}, True, ""),
        ({"Cache-Control": "max-age=0"}, True, ""),
        ({"Cache-Control": "max-age=60"}, False, "a shared cache may keep it (Cache-Control: max-age=60)"),
        ({"Cache-Control": 'MAX-AGE = "60"'}, False, "a shared cache may keep it (Cache-Control: "),
        ({"Cache-Control": "max-age=0"}, False, ""),
    ],
)
def test_who_may_be_given_a_kept_answer_is_said_with_what_the_answer_says(
    headers: dict[str, str], said: str, *, authorized: bool
) -> None:
    found = given_to_others(httpx.Headers(headers), authorized=authorized)
    assert found.startswith(said)
    assert bool(found) is bool(said)


def test_a_page_of_another_origin_is_said_to_be_given_it() -> None:
    found = kept_for_another_origin(httpx.Headers({"cache-control": "public, max-age=60"}))
    assert found == "kept (Cache-Control: public, max-age=60) without Vary: Origin"
    assert not kept_for_another_origin(httpx.Headers({"cache-control": "s-maxage=0, max-age=0"}))
    assert not kept_for_another_origin(httpx.Headers({"cache-control": "public, no-store"}))
