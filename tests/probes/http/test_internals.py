"""Internals are found however they are spelt, and ordinary errors tell none."""

import time

import pytest

from probes.http.internals import find_internals


@pytest.mark.parametrize(
    "body",
    [
        '{"stack_trace": "at f"}',
        '{"stackTrace": ["f"]}',
        '{"debug_info": {"line": 3}}',
        "{'traceback': 'x'}",
        '{"detail": "error in auth_client.py:308 in validate"}',
        '{"detail": "File \\"/app/main.py\\", line 3, in <module>"}',
        '{"detail": "handlers.py line 12"}',
        '{"detail": "at Session (/srv/session.ts:12:3)"}',
        '{"detail": "(asyncpg.exceptions.UntranslatableCharacterError) [SQL: ..."}',
        '{"detail": "select id from threads where user_id = $1"}',
        '{"detail": "insert into users (id) values ($1)"}',
        '{"detail": "connect to 10.1.2.3:5432 failed"}',
        '{"detail": "postgresql+asyncpg://netra@db/netra"}',
        '{"detail": "no route to redis.default.svc.cluster.local"}',
        '{"message": "no answer (metadata.google.internal)"}',
        '{"message": "http://netra-auth.internal:8081/validate answered 401"}',
        '{"detail": [{"loc": ["header"], "input": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2ln"}]}',
        "<h1>Internal Server Error</h1>",
    ],
)
def test_internals_are_found(body: str) -> None:
    assert find_internals(body)


@pytest.mark.parametrize(
    "body",
    [
        '{"error": {"code": "invalid_window", "message": "limit must be 1 to 100"}, "trace_id": "10abc"}',
        '{"detail": [{"type": "int_parsing", "loc": ["query", "limit"], "msg": "Input should be a valid integer"}]}',
        '{"error_code": "AUTH_FAILED", "details": null, "debug_info": null, "stack_trace": "", "traceback": []}',
        '{"message": "Select a thread from the list, or delete one."}',
        '{"message": "An internal error: see app.internal_errors, or ask eyJ-less clients."}',
        '{"version": "1.10.2.3", "message": "Authentication is required."}',
    ],
)
def test_ordinary_errors_hold_none(body: str) -> None:
    assert find_internals(body) == ""


def test_what_the_request_said_may_be_repeated() -> None:
    body = '{"detail": [{"input": "1 UNION SELECT x FROM users"}]}'
    assert find_internals(body)
    assert find_internals(body, "GET http://h/api/threads?limit=1%20UNION%20SELECT+x%20FROM%20users") == ""
    assert find_internals('{"detail": "127.0.0.1:5432 refused"}', "GET http://127.0.0.1:80/api") == "127.0.0.1"


@pytest.mark.parametrize("piece", ["SELECT ", "a.py", "/", "10.", "'stack':", "\\"])
def test_a_body_is_looked_at_in_time_with_its_length(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        begun = time.thread_time()
        find_internals(text)
        return time.thread_time() - begun

    small, large = (min(seconds(size) for _ in range(3)) for size in (8 * 1024, 64 * 1024))
    assert large < 100 * small + 0.05  # eight times the text; the square of it would be 64, and more with the rest
