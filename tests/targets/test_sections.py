"""Sections of a target by themselves: services, sources of figures, a candidate, and the secrets of an address."""

import pytest

from probes.secret import Secret
from targets import google_credentials
from targets.candidate import Candidate, Compare
from targets.dsn import secrets_of_dsn, stays_private
from targets.model import QuickSizes, Sizes
from targets.services import Service
from targets.sources import Platform, Prometheus


@pytest.mark.parametrize("sizes, calls, stall", [(Sizes(), 1000, 125), (QuickSizes(), 200, 59)])
def test_the_slowest_of_an_eighth_of_the_calls_is_looked_for(sizes: Sizes, calls: int, stall: int) -> None:
    assert (sizes.latency_calls, sizes.stall_calls) == (calls, stall)
    assert Sizes(latency_calls=479).stall_calls == 59
    assert Sizes(latency_calls=488).stall_calls == 61


@pytest.mark.parametrize(
    "given, said",
    [
        ({"headers": {"Host": "x"}}, "headers can't set Host: the checks themselves do"),
        ({"headers": {"Cookie": "x", "AUTHORIZATION": "x", "x": "y"}}, "headers can't set AUTHORIZATION, Cookie"),
        ({"headers": {"X Y": "x"}}, "headers has 'X Y', whose name or value"),
        ({"headers": {"X": " x"}}, "headers has 'X', whose name or value"),
        ({"headers": {"X": "x\ny"}}, "headers has 'X', whose name or value"),
        ({"headers": {"A": "fine", "X": ""}}, "headers has 'X', whose name or value"),
        ({"headers": {"X": "\x7f"}}, "headers has 'X', whose name or value"),
        ({"identity": "given"}, 'identity is "given", but identity_token is empty'),
        ({"url": "api.example.invalid"}, "must begin with http:// or https://"),
        ({"url": "ftp://api.example.invalid"}, "must begin with http:// or https://"),
    ],
)
def test_a_service_that_can_not_be_asked_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match="validation error") as caught:
        Service.model_validate({"service": "s", **given})
    assert said in str(caught.value)


def test_what_is_in_front_of_a_service_is_named_by_its_keys() -> None:
    headers = {"X-Gate": Secret("a b!"), "x.y~z": Secret("1")}
    service = Service(service="s", url="HTTPS://h", headers=headers, identity="given", identity_token=Secret("i"))
    assert {key: value.reveal() for key, value in service.in_front("auth").items()} == {
        "auth.headers.X-Gate": "a b!",
        "auth.headers.x.y~z": "1",
        "auth.identity_token": "i",
    }


@pytest.mark.parametrize(
    "dsn, secrets",
    [
        ("postgresql://u:p%40ss@h/d", {"p%40ss", "p@ss"}),
        ("postgresql://u:a@b@h/d", {"a@b", "a"}),
        ("postgresql://u@h/d", set()),
        ("postgresql://h/d?sslpassword=s&user=u&passfile=/f", {"s", "/f"}),
        ("postgresql://h/d?password=s#part", {"s"}),
        ("host=h password='it''s \\\\ odd' user=u", {"it''s \\\\ odd", "it's \\ odd"}),
        ("host=h sslkey=/k password=plain", {"/k", "plain"}),
        ("host=h password= user=u", {"user=u"}),  # as libpq reads it
        ("host=h password='' user=u", set()),
    ],
)
def test_every_reading_of_a_password_is_secret(dsn: str, secrets: set[str]) -> None:
    assert {one.reveal() for one in secrets_of_dsn(Secret(dsn))} == secrets


@pytest.mark.parametrize(
    "dsn, private",
    [
        ("postgresql://u:p@127.0.0.1/d", True),
        ("postgresql://u:p@localhost:5432/d", True),
        ("postgresql://u:p@[::1]:5432/d", True),
        ("postgresql:///d?host=/var/run", True),
        ("postgresql://u:p@127.0.0.1,db/d", False),
        ("postgresql://u:p@db/d?host=localhost", True),
        ("postgresql://u:p@localhost/d?host=db", False),
        ("postgresql://u:p@localhost.example/d", False),
        ("postgresql://u:p@db/d?sslmode=require", True),
        ("postgresql://u:p@db/d?sslmode=verify-full", True),
        ("postgresql://u:p@db/d?sslmode=verify-ca", True),
        ("postgresql://u:p@db/d?sslmode=prefer", False),
        ("postgresql://u:p@db/d", False),
    ],
)
def test_a_connection_is_private_with_tls_or_on_this_machine(dsn: str, private: bool) -> None:  # noqa: FBT001 - a column of the table
    assert stays_private(Secret(dsn)) is private


def test_a_source_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_credentials, "can_be_expected", lambda: False)
    assert Platform().lacking == "no Google project: [platform] project is empty"
    assert not Platform().lacks_google
    assert Platform(project="p").lacking == "no Google credentials: set GOOGLE_APPLICATION_CREDENTIALS"
    assert not Platform(project="p", access_token=Secret("t")).lacking
    token = Platform(project="p", credentials="token")
    assert (token.lacks_google, token.lacking) == (
        False,
        "no access to the platform's APIs: set NETRA_PLATFORM__ACCESS_TOKEN",
    )
    assert not Platform(project="p", credentials="none").lacking
    monkeypatch.setattr(google_credentials, "can_be_expected", lambda: True)
    assert not Platform(project="p").lacking
    assert not Prometheus(url="http://h").lacking
    lacks = Prometheus(url="https://h", credentials="token")
    assert lacks.lacking == "no access to Prometheus: set NETRA_PROMETHEUS__ACCESS_TOKEN"
    assert not Prometheus(url="https://h", credentials="token", access_token=Secret("t")).lacking
    with pytest.raises(ValueError, match="must begin with http:// or https://"):
        Prometheus(url="h:9090")


@pytest.mark.parametrize("url", ["api-{tag}.example", "https://api.example", "ftp://{tag}.example"])
def test_a_candidates_address_names_its_tag(url: str) -> None:
    with pytest.raises(ValueError, match=r"must begin with http:// or https:// and have \{tag\} in it"):
        Candidate(url=url)
    assert Candidate(url="http://{tag}.example").url


def test_differences_by_design_are_named_by_patterns_and_must_still_be_found() -> None:
    rest = {"owner": "team", "reason": "by design", "until": "2999-01-01"}
    compare = Compare.model_validate(
        {"expected": [{"what": "threads list: headers.x-* added", **rest}, {"what": "health: body.a", **rest}]}
    )
    headers, health = compare.expected
    assert compare.intended("threads list: headers.x-y added") == headers
    assert compare.intended("threads list: headers.x-y added too") is None
    assert compare.intended("health: bodyxa") is None, "a dot is a dot"
    asked = ["threads list", "health"]
    assert compare.no_longer(asked, []) == [headers, health]
    assert compare.no_longer(asked, ["health: body.a"]) == [headers]
    assert compare.no_longer(["health"], []) == [health]
    assert compare.no_longer([], []) == []
