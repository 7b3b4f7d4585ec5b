"""A document's read-only operations become requests that fit it, the same ones every time."""

from typing import Any

import pytest

from probes.openapi.operations import NotAnApi, nameless, operations_below, published_names, read_document

ANSWERS = {"responses": {"200": {"description": "good"}, "4XX": {"description": "refused"}}}
LIMIT = {"name": "limit", "in": "query", "required": True, "schema": {"type": "integer", "minimum": 1, "maximum": 5}}
THREAD = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "a thread"}
KEY = {"name": "X-Key", "in": "header", "required": True, "schema": {"type": "string"}}
AUTHORIZATION = {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}}
PATHS = {
    "/threads": {"get": {"parameters": [LIMIT], **ANSWERS}, "post": ANSWERS},
    "/threads/{id}": {"get": {"parameters": [THREAD], **ANSWERS}, "head": {"parameters": [THREAD], **ANSWERS}},
    "/keyed": {"get": {"parameters": [KEY, AUTHORIZATION], **ANSWERS}},
    "/admin/restart": {"get": ANSWERS},
    "/broken": {"get": {"parameters": [{"$ref": "#/nowhere"}], **ANSWERS}},
}


def document(paths: object) -> dict[str, Any]:
    about = {"title": "an API", "version": "1"}
    return {"openapi": "3.1.0", "info": about, "servers": [{"url": "/v2"}], "paths": paths}


def test_each_operation_is_asked_or_has_a_reason() -> None:
    published = read_document(document(PATHS), excluded=["/admin/*"], most_cases=3)
    assert [one.name for one in published.operations] == [
        "GET /threads",
        "GET /threads/{id}",
        "HEAD /threads/{id}",
        "GET /keyed",
    ]
    assert published.not_asked == {
        "POST /threads": "not read-only",
        "GET /admin/restart": "excluded by the target",
        "GET /broken": "its description can't be read",
    }


def test_requests_fit_their_description() -> None:
    threads, thread, _, keyed = read_document(document(PATHS), excluded=["/admin/*"], most_cases=3).operations
    assert {one.path for one in threads.requests} <= {f"/v2/threads?limit={limit}" for limit in range(1, 6)}
    assert "/v2/threads/a%20thread" in {one.path for one in thread.requests}
    assert len(thread.requests) <= 5
    assert all(set(one.headers) == {"X-Key"} for one in keyed.requests), "credentials are ours to set"


def test_requests_are_the_same_every_time() -> None:
    one, other = (read_document(document(PATHS), excluded=[], most_cases=3) for _ in range(2))
    assert one == other


def test_a_status_is_documented_by_itself_or_by_its_class() -> None:
    operation = read_document(document(PATHS), excluded=[], most_cases=1).operations[0]
    assert [operation.documents(status) for status in (200, 404, 201, 503)] == [True, True, False, False]


@pytest.mark.parametrize("given", [{}, {"paths": []}, {"paths": {}}])
def test_what_is_no_document_is_said_to_be_none(given: dict[str, Any]) -> None:
    with pytest.raises(NotAnApi):
        read_document(given, excluded=[], most_cases=1)


def test_every_operation_is_named_whatever_its_method_and_its_parameters_are_called() -> None:
    names = published_names(document(PATHS))
    there = ["GET /threads", "POST /threads", "GET /threads/{thread_id}", "HEAD /threads/{id}", "GET /broken"]
    assert [name for name in there if nameless(name) not in names] == []
    assert [name for name in ("PUT /threads", "GET /threads/", "GET /threads/mine") if nameless(name) in names] == []


@pytest.mark.parametrize("paths", [None, [], "paths", {"/a": None, "/b": ["get"]}])
def test_what_is_not_openapi_publishes_nothing(paths: object) -> None:
    assert published_names(document(paths)) == frozenset()


BELOW = {
    "/threads": {"get": ANSWERS},
    "/threads/{thread_id}": {"get": ANSWERS, "delete": ANSWERS, "parameters": [THREAD], "summary": "One thread."},
    "/threads/{thread_id}/share": {"post": ANSWERS},
    "/threads/{thread_id}/preview": {"get": ANSWERS, "trace": ANSWERS},
    "/threads/{thread_id}/messages/{message_id}": {"get": ANSWERS},
    "/threads/{thread_id}/export": {"get": ANSWERS},
    "/threadsafe/{thread_id}": {"get": ANSWERS},
    "/threads/{thread_id}/odd": ["get"],
}


@pytest.mark.parametrize(
    "servers, base",
    [([{"url": "https://service.example/v2/"}], "/v2"), ([], ""), (["odd"], ""), ([{"url": "http://["}], "")],
)
def test_operations_below_one_thing_are_found_whatever_its_parameter_is_called(servers: object, base: str) -> None:
    found = operations_below(
        document(BELOW) | {"servers": servers},
        f"{base}/threads/{{id}}",
        excluded=["*/export"],
        for_anyone=[f"GET {base}/threads/{{id}}/preview"],
    )
    assert found == [f"DELETE {base}/threads/{{}}", f"GET {base}/threads/{{}}", f"POST {base}/threads/{{}}/share"]


def test_a_path_of_another_name_has_nothing_below_it() -> None:
    assert operations_below(document(BELOW), "/threads/{id}", excluded=[], for_anyone=[]) == [], "they are below /v2"
