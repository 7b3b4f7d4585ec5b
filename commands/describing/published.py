"""What an OpenAPI document says about the list, about one item, and about the validation of tokens."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from commands.describing.findings import Findings

JSON = dict[str, Any]
LIMITS = ("limit", "page_size", "pagesize", "per_page", "size", "count", "top")
METHODS = ("get", "post", "put", "patch", "delete")
OFFSETS = ("offset", "skip", "start", "from")
TOKENS = ("token", "jwt", "access_token")
PARAMETER = re.compile(r"/\{[^/}]+\}$")
INSPECTS = re.compile(r"validate|introspect|inspect|verify|token", re.IGNORECASE)
STEPS = (
    ("create", "post", 0),
    ("read", "get", 1),
    ("rename", "patch", 1),
    ("rename", "put", 1),
    ("archive", "delete", 1),
)
HERE = "the OpenAPI document"


@dataclass(frozen=True, slots=True)
class Document:
    """An OpenAPI document and its references."""

    whole: JSON

    @property
    def paths(self) -> Mapping[str, JSON]:
        """Every path with its operations."""
        found = self.whole.get("paths")
        return found if isinstance(found, dict) else {}

    @property
    def operations(self) -> Mapping[str, JSON]:
        """Every operation, as METHOD /path."""
        return {
            f"{method.upper()} {path}": there[method]
            for path, there in sorted(self.paths.items())
            for method in METHODS
            if isinstance(there, dict) and isinstance(there.get(method), dict)
        }

    @property
    def askable(self) -> list[str]:
        """Operations for users, by their description, that can be asked without harm and without a parameter."""
        everywhere = self.whole.get("security")
        return [
            name
            for name, described in self.operations.items()
            if name.startswith("GET ") and "{" not in name and described.get("security", everywhere)
        ]

    def resolved(self, value: object) -> JSON:
        """An object, with a `$ref` resolved; empty if there is none."""
        for _ in range(10):
            if not isinstance(value, dict):
                return {}
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            value = self._at(reference)
        return {}

    def _at(self, reference: str) -> object:
        place: object = self.whole
        for part in reference.removeprefix("#/").split("/"):
            place = place.get(part) if isinstance(place, dict) else None
        return place

    def parameters(self, path: str) -> Mapping[str, JSON]:
        """The query parameters of GET on a path, by name, with their schemas."""
        listed = self.resolved(self.paths.get(path, {}).get("get")).get("parameters", [])
        found = [self.resolved(one) for one in listed]
        return {one["name"]: self.resolved(one.get("schema")) for one in found if one.get("in") == "query"}

    def body(self, path: str) -> Mapping[str, JSON]:
        """The properties of the body posted to a path."""
        content = self.resolved(self.resolved(self.paths[path].get("post")).get("requestBody")).get("content", {})
        return self.properties(self.resolved(content.get("application/json")).get("schema"))

    def answer(self, path: str) -> JSON:
        """The JSON Schema of a successful answer to GET."""
        responses = self.resolved(self.paths[path].get("get")).get("responses", {})
        return self.resolved(
            self.resolved(self.resolved(responses.get("200")).get("content", {}).get("application/json")).get("schema")
        )

    def properties(self, schema: object) -> Mapping[str, JSON]:
        """The properties of an object's schema."""
        found = self.resolved(schema).get("properties")
        return found if isinstance(found, dict) else {}


def read_published(document: Document, where: str, findings: Findings) -> None:
    """Record what the document says."""
    findings.see("api.document", where, "it is there")
    lists = sorted(_lists(document), key=lambda path: (-_fitness(document, path), len(path)))
    if not lists:
        findings.miss(
            "paths.threads", f"{HERE} has no GET with a limit and an offset: which route lists a user's items?"
        )
        return
    path = lists[0]
    others = f"; similar ones: {', '.join(lists[1:4])}" if lists[1:] else ""
    findings.see("paths.threads", path, f"{HERE}: the list with the most routes for one item{others}")
    _window(document, path, findings)
    _one(document, path, findings)
    _items(document, path, findings)
    _inspection(document, findings)


def _lists(document: Document) -> Iterator[str]:
    for path in document.paths:
        names = {name.lower() for name in document.parameters(path)}
        if "{" not in path and names & set(LIMITS) and names & set(OFFSETS):
            yield path


def _fitness(document: Document, path: str) -> int:
    below = [one for one in document.paths if one.startswith(f"{path}/{{")]
    return ("post" in document.paths[path]) + sum(len(document.paths[one]) for one in below)


def _named(names: Sequence[str], wanted: Sequence[str]) -> str:
    return next((name for one in wanted for name in names if name.lower() == one), "")


def _window(document: Document, path: str, findings: Findings) -> None:
    asked = document.parameters(path)
    limit, offset = _named([*asked], LIMITS), _named([*asked], OFFSETS)
    findings.see("threads.limit_parameter", limit, f"{HERE}, GET {path}")
    findings.see("threads.offset_parameter", offset, f"{HERE}, GET {path}")
    for key, word in (("min_limit", "minimum"), ("max_limit", "maximum"), ("default_limit", "default")):
        value = asked[limit].get(word)
        if isinstance(value, int):
            findings.see(f"threads.{key}", value, f"{HERE}, {limit}")
        else:
            findings.miss(f"threads.{key}", f"{HERE} has no {word} for {limit}")
    most = findings.found.get("threads.max_limit", (0, ""))[0]
    if "threads.default_limit" in findings.unknown and most:
        findings.see(
            "threads.default_limit", min(20, most), f"a guess: {HERE} has no default; ask without a limit and count"
        )


def _one(document: Document, path: str, findings: Findings) -> None:
    single = next((one for one in document.paths if PARAMETER.sub("", one) == path and one != path), "")
    for step, method, needs_id in STEPS:
        route = single if needs_id else path
        if route and method in document.paths[route]:
            shown = PARAMETER.sub("/{id}", route)
            findings.see(f"threads.one.{step}", f"{method.upper()} {shown}", HERE)
    for step in ("create", "read", "rename", "archive"):
        if f"threads.one.{step}" not in findings.found:
            findings.see(f"threads.one.{step}", "", f"{HERE} has no such route: assumed absent")
    below = next((one for one in document.paths if single and re.fullmatch(re.escape(single) + r"/[a-z_-]+", one)), "")
    if below and "get" in document.paths[below]:
        findings.see("threads.one.history", "GET " + below.replace(single, PARAMETER.sub("/{id}", single)), HERE)
    else:
        findings.see("threads.one.history", "", f"{HERE} has no route below one item: assumed absent")
    findings.miss("threads.one.messages_field", "the field of its answer that contains the list")
    _body(document, path, findings)


def _body(document: Document, path: str, findings: Findings) -> None:
    names = [*document.body(path)] if "post" in document.paths[path] else []
    title = _named(names, ("title", "subject", "name", "headline"))
    metadata = _named(names, ("metadata", "attributes", "properties", "data", "meta", "extra"))
    for key, name in (("title", title), ("metadata", metadata)):
        if name:
            findings.see(f"threads.one.{key}", name, f"{HERE}, POST {path}")
        else:
            findings.miss(f"threads.one.{key}", f"which field of POST {path} is it?")


def _items(document: Document, path: str, findings: Findings) -> None:
    schema = document.answer(path)
    arrays = [
        name for name, one in document.properties(schema).items() if document.resolved(one).get("type") == "array"
    ]
    if schema.get("type") == "array":
        findings.see("threads.items_field", "", f"{HERE}: the answer is the list itself")
        item = schema.get("items")
    elif arrays:
        findings.see("threads.items_field", arrays[0], f"{HERE}, GET {path}")
        item = document.properties(schema)[arrays[0]].get("items")
    else:
        findings.miss("threads.items_field", "which field of the answer contains the items?")
        item = None
    fields = {name: _plain(document.resolved(one)) for name, one in document.properties(item).items()}
    if fields:
        required = [name for name in document.resolved(item).get("required", []) if name in fields]
        findings.see("threads.item", {"type": "object", "required": required, "properties": fields}, HERE)
    else:
        findings.miss("threads.item", "a JSON Schema of one item")
    findings.miss("threads.compare", "which fields of an item are its id, title, owner, metadata?")
    findings.miss("threads.times", "which fields of an item are its created_at, updated_at (unix seconds)?")
    findings.miss("threads.order_by", "which time the list is ordered by, and `descending`")


def _plain(schema: JSON) -> JSON:
    """Only the type from a property's schema."""
    kinds = [one.get("type") for one in schema.get("anyOf", []) if isinstance(one, dict)] or schema.get("type")
    known = isinstance(kinds, str) or (isinstance(kinds, list) and all(isinstance(one, str) for one in kinds) and kinds)
    return {"type": kinds} if known else {}


def _inspection(document: Document, findings: Findings) -> None:
    for path, operations in document.paths.items():
        if "post" not in operations or not INSPECTS.search(path) or "{" in path:
            continue
        name = _named([*document.body(path)], TOKENS)
        if name:
            findings.see("paths.auth_validate", path, f"{HERE}: POST with a {name}")
            findings.see("validation.token_field", name, HERE)
    findings.miss("paths.auth_validate", "which route validates a token: POST with the token in its body")
    findings.miss("validation.token_field", "the field of that body")
    for key, what in {
        "headers": "credentials of the calling service; {service_key} stands for NETRA_TOKENS__SERVICE_KEY",
        "user_field": "the field of a positive answer that contains the user",
        "good": "a JSON Schema of a positive answer",
        "bad": "a JSON Schema of a refusal, if the status does not show it",
    }.items():
        findings.miss(f"validation.{key}", what)
