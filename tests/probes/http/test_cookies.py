"""A cookie gives a token away if it holds one and lacks HttpOnly or Secure."""

import httpx
import pytest

from probes.http.cookies import token_given_away
from probes.secret import Secret

TOKEN = Secret("an-opaque-token-of-ours")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJudi11c2VyIn0.signature"


@pytest.mark.parametrize(
    "cookie,lacking",
    [
        (f"t={TOKEN.reveal()}", "HttpOnly and Secure"),
        (f"t={TOKEN.reveal()}; Path=/; HttpOnly", "Secure"),
        (f"t=Bearer%20{JWT}; secure", "HttpOnly"),
        (f"t={JWT}; SECURE; httponly", ""),
        ("session=5f2b; Path=/", ""),
        ("", ""),
    ],
)
def test_a_token_in_a_cookie_is_seen(cookie: str, lacking: str) -> None:
    trouble = token_given_away(httpx.Headers([("set-cookie", "lang=de"), ("set-cookie", cookie)]), TOKEN)
    assert trouble == (f"the cookie {cookie.partition('=')[0]!r} holds a token, without {lacking}" if lacking else "")


def test_without_a_token_of_ours_a_jwt_is_still_one() -> None:
    assert "without HttpOnly" in token_given_away(httpx.Headers({"set-cookie": f"t={JWT}; Secure"}), None)
