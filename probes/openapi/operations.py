"""The read-only operations of an OpenAPI document, each with requests for it, as Schemathesis generates them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlencode, urlsplit

from probes.foreign.excerpt import excerpt
from probes.problem import Problem

READ_ONLY = frozenset({"GET", "HEAD"})
METHODS = READ_ONLY | {"PUT", "POST", "DELETE", "PATCH"}
SEED = 20_251_125  # generated requests are the same in every run
MOST_EXAMPLES = 2
PARAMETER = re.compile(r"\{[^{}]*\}")  # in a path
CREDENTIALS = frozenset({"authorization", "cookie"})  # headers that only we set, whatever the document says


@dataclass(frozen=True, slots=True)
class Request:
    """One request of an operation: its path below the base URL, query included, and the headers it declares."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """A read-only operation."""

    method: str
    path: str  # as the document has it
    statuses: frozenset[str]  # the answers it documents: "200", "4XX", "default"
    requests: tuple[Request, ...]

    @property
    def name(self) -> str:
        """What a report calls it."""
        return f"{self.method} {self.path}"

    def documents(self, status: int) -> bool:
        """Whether the document lists answers with this status."""
        return bool({str(status), f"{status // 100}XX", f"{status // 100}xx", "default"} & self.statuses)


@dataclass(frozen=True, slots=True)
class Published:
    """What a document publishes: what can be called, and what is not, with the reason."""

    operations: tuple[Operation, ...]
    not_asked: Mapping[str, str]


class NotAnApi(ValueError):
    """The document is not one that can be read as OpenAPI; the text says why."""


def nameless(operation: str) -> str:
    """An operation, `METHOD /path`, without the names of its path's parameters."""
    return PARAMETER.sub("{}", operation)


def published_names(document: dict[str, Any]) -> frozenset[str]:
    """Every operation of a document, of any method, as `nameless` writes it. What is not OpenAPI publishes none."""
    paths = document.get("paths")
    return frozenset(
        nameless(f"{str(method).upper()} {path}")
        for path, operations in (paths.items() if isinstance(paths, dict) else ())
        if isinstance(operations, dict)
        for method in operations
    )


def operations_below(
    document: dict[str, Any], path: str, *, excluded: Sequence[str], for_anyone: Sequence[str]
) -> list[str]:
    """The operations of a document at a path with one parameter and below it, each as `nameless` writes it.

    Those with a further parameter are left out: nothing is known that could stand for it. So are the paths that are
    `excluded`, as in `read_document`, and the operations `for_anyone`.
    """
    top, public, base = nameless(path), frozenset(map(nameless, for_anyone)), _base_path(document)
    below = {
        at: operations
        for at, operations in document["paths"].items()
        if f"{nameless(base + at)}/".startswith(f"{top}/") and nameless(base + at).count("{}") == 1
        if isinstance(operations, dict) and not any(fnmatchcase(at, pattern) for pattern in excluded)
    }
    named = (nameless(f"{name.upper()} {base}{at}") for at, names in below.items() for name in names)
    return sorted(name for name in named if name.partition(" ")[0] in METHODS and name not in public)


def _base_path(document: dict[str, Any]) -> str:
    """The path below which a document's first server has its operations; empty where it says nothing of the kind."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else None
    url = first.get("url") if isinstance(first, dict) else None
    try:
        return urlsplit(url).path.rstrip("/") if isinstance(url, str) else ""
    except ValueError:  # not a URL
        return ""


def read_document(document: dict[str, Any], *, excluded: Sequence[str], most_cases: int) -> Published:
    """Read a document, and make the requests of its read-only operations. Takes a while: keep it off an event loop.

    `excluded` are paths that are never called, as the document has them; * stands for anything. At most `most_cases`
    requests are generated for an operation, in addition to its examples.

    Raises:
        NotAnApi: Schemathesis can't read it.
    """
    import schemathesis  # noqa: PLC0415 - an optional part, and slow to import
    from schemathesis.core.errors import SchemathesisError  # noqa: PLC0415 - the same

    if not isinstance(document.get("paths"), dict):
        raise NotAnApi("it has no `paths`, an object")
    operations: list[Operation] = []
    not_asked: dict[str, str] = {}
    try:
        for result in schemathesis.openapi.from_dict(document).get_all_operations():
            operation, why = _operation(result, excluded, most_cases)
            if why:
                not_asked[operation.name] = why
            elif operation.requests:
                operations.append(operation)
    except SchemathesisError as error:
        raise NotAnApi(excerpt(f"{type(error).__name__}: {error}", 300)) from error
    return Published(tuple(operations), not_asked)


def _operation(
    result: Any,  # noqa: ANN401 - schemathesis' own
    excluded: Sequence[str],
    most_cases: int,
) -> tuple[Operation, Problem]:
    """One operation of the document, and why it is not called; then it has no requests."""
    from schemathesis.core.result import Ok  # noqa: PLC0415 - an optional part, and slow to import

    described = result.ok() if isinstance(result, Ok) else result.err()
    method, path = str(described.method or "any").upper(), str(described.path)
    why = _why_not(method, path, excluded)
    if not why and not isinstance(result, Ok):
        why = "its description can't be read"
    if why:
        return Operation(method, path, frozenset(), ()), why
    requests, why = _requests(described, most_cases)
    return Operation(method, path, frozenset(described.responses.status_codes), requests), why


def _why_not(method: str, path: str, excluded: Sequence[str]) -> Problem:
    """Why an operation is not called."""
    if method not in READ_ONLY:
        return "not read-only"
    return "excluded by the target" if any(fnmatchcase(path, pattern) for pattern in excluded) else ""


def _requests(operation: Any, most_cases: int) -> tuple[tuple[Request, ...], Problem]:  # noqa: ANN401 - schemathesis' own
    """The different requests of an operation, and if there are none, why."""
    from hypothesis.errors import HypothesisException  # noqa: PLC0415 - an optional part
    from schemathesis.core.errors import SchemathesisError  # noqa: PLC0415 - the same

    base = str(operation.schema.base_path).rstrip("/")
    try:
        strategies = operation.get_strategies_from_examples()
        examples = [case for strategy in strategies for case in _drawn(strategy, MOST_EXAMPLES)]
        cases = [*examples[:MOST_EXAMPLES], *_drawn(operation.as_strategy(), most_cases)]
        requests = [_request(base, case) for case in cases]
    except (HypothesisException, SchemathesisError) as error:
        return (), f"no request can be made from its description ({type(error).__name__})"
    return tuple({(request.path, tuple(request.headers.items())): request for request in requests}.values()), ""


def _drawn(strategy: Any, most: int) -> list[Any]:  # noqa: ANN401 - a strategy of schemathesis' cases
    """The cases that a strategy generates, the same in every run."""
    from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: PLC0415 - an optional part

    drawn: list[Any] = []

    @seed(SEED)
    @settings(
        max_examples=most,
        database=None,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(case: Any) -> None:  # noqa: ANN401 - as above
        drawn.append(case)

    draw()
    return drawn[:most]


def _request(base: str, case: Any) -> Request:  # noqa: ANN401 - as above
    """A case as it is sent: text that is not UTF-8 and headers that can't be written are changed until they can."""
    query = urlencode(dict(case.query or {}), doseq=True, errors="replace")
    headers = {
        str(name): str(value).encode("latin-1", errors="replace").decode("latin-1").strip()
        for name, value in dict(case.headers or {}).items()
        if str(name).lower() not in CREDENTIALS
    }
    return Request(f"{base}{case.formatted_path}{f'?{query}' if query else ''}", headers)
