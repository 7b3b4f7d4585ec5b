"""What a browser, a proxy or an old client may send beside a request changes nothing, and breaks nothing."""

from functools import partial
from http import HTTPStatus

from fixtures.http_services import refuse_server_error, seen
from fixtures.threads import Threads
from gate.check import check
from gate.failures import CheckFailure
from probes.auth.tokens import User

# Each is sent with a request of its own. A service may refuse them (400), or the form that is asked for (406, 416).
ODD_HEADERS = (
    ("X-Forwarded-For", "unknown"),
    ("X-Forwarded-For", "fe80::1%eth0, , 203.0.113.7:4711"),
    ("X-Forwarded-Proto", "nonsense"),
    ("Forwarded", "for=_hidden;proto"),
    ("Cookie", "no value"),
    ("Cookie", 'theme="dark; a b=1; ;='),
    ("Accept", "text/html"),
    ("Accept", "nonsense"),
    ("Accept-Encoding", "nonsense;q=x"),
    ("Accept-Language", "de-CH-1996;q=high, *"),
    ("If-None-Match", "no quotes"),
    ("If-Modified-Since", "yesterday"),
    ("Range", "bytes=x-"),
    ("User-Agent", ""),
    ("Referer", "nonsense"),
    ("X-Request-ID", "not a UUID"),
    ("Content-Type", "nonsense"),
)
MAY = frozenset({400, 406, 415, 416})
READ_WITH_CARE = "Read a header as text from a stranger: parse it where that may fail, and go on without it."


@check(
    "api.odd-headers",
    requirement="a list is answered whatever else a request's headers hold, and never with 5xx",
    needs="http token",
    remedy=READ_WITH_CARE,
    looking="the case's header; the traceback: middlewares that parse addresses, cookies, languages and dates",
)
async def test_an_odd_header_breaks_nothing(threads: Threads, owner: User) -> None:
    """With each of many odd headers the list is answered as without, or refused for it."""
    asked = [partial(threads.ask, owner, headers={name: value}) for name, value in ODD_HEADERS]
    for (name, value), answer in zip(ODD_HEADERS, await threads.door.pace.together(asked), strict=True):
        expected = f"the list, or {sorted(MAY)}, with the header {name}: {value!r}"
        refuse_server_error(answer, expected)
        if answer.status not in MAY | {HTTPStatus.OK}:
            raise CheckFailure(expected=expected, actual=seen(answer))
        if answer.status == HTTPStatus.OK:
            threads.items(answer)
