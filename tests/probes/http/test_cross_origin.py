"""An allowance is read as a browser reads it."""

import httpx
import pytest

from probes.http.cross_origin import Allowance, lookalikes

PAGE = "https://app.example"


def allowance(*pairs: tuple[str, str]) -> Allowance:
    return Allowance.of(httpx.Headers([(f"Access-Control-Allow-{name}", value) for name, value in pairs]))


@pytest.mark.parametrize(
    "pairs,trouble",
    [
        ([("Origin", PAGE), ("Credentials", "true")], ""),
        ([("Origin", PAGE)], "no Access-Control-Allow-Credentials: true"),
        ([("Origin", PAGE), ("Credentials", "yes")], "no Access-Control-Allow-Credentials: true"),
        ([("Origin", PAGE), ("Credentials", "True")], "no Access-Control-Allow-Credentials: true"),
        ([("Origin", "*"), ("Credentials", "true")], "Access-Control-Allow-Origin is *, which browsers refuse"),
        ([("Origin", PAGE), ("Origin", PAGE), ("Credentials", "true")], "2 Access-Control-Allow-Origin"),
        (
            [("Origin", "https://other.example"), ("Credentials", "true")],
            "Access-Control-Allow-Origin is 'https://other",
        ),
        ([], "no Access-Control-Allow-Origin"),
    ],
)
def test_a_page_reads_what_its_browser_hands_it(pairs: list[tuple[str, str]], trouble: str) -> None:
    found = allowance(*pairs).trouble_of_reading(PAGE, with_credentials=True)
    assert found.startswith(trouble)
    assert bool(found) == bool(trouble)


def test_without_credentials_a_star_is_enough() -> None:
    assert not allowance(("Origin", "*")).trouble_of_reading(PAGE, with_credentials=False)


def test_a_preflight_names_methods_and_headers() -> None:
    named = allowance(("Methods", "PUT, delete"), ("Headers", "authorization,Content-Type"))
    assert not named.trouble_of_sending("DELETE", ("Authorization",), with_credentials=True)
    assert not named.trouble_of_sending("GET", (), with_credentials=True)
    assert "PATCH" in named.trouble_of_sending("PATCH", (), with_credentials=True)
    assert "X-Own" in named.trouble_of_sending("PUT", ("X-Own", "Content-Type"), with_credentials=True)


def test_a_star_stands_for_no_authorization_and_for_nothing_beside_credentials() -> None:
    star = allowance(("Methods", "*"), ("Headers", "*"))
    assert not star.trouble_of_sending("PUT", ("X-Own",), with_credentials=False)
    assert "Authorization" in star.trouble_of_sending("PUT", ("Authorization",), with_credentials=False)
    assert star.trouble_of_sending("PUT", ("X-Own",), with_credentials=True)


@pytest.mark.parametrize("frontend", [PAGE, "http://localhost:8443"])
def test_lookalikes_are_four_other_origins(frontend: str) -> None:
    assert len({frontend, *lookalikes(frontend)}) == 5
