"""Whether a cache may give an answer that it kept to another user, by RFC 9111 and RFC 9213."""

from collections.abc import Mapping

from probes.foreign.excerpt import excerpt
from probes.http.client import Headers
from probes.problem import Problem

# What a shared cache obeys, the most specific first; each applies on its own.
FIELDS = ("surrogate-control", "cdn-cache-control", "cache-control")
SHARED = frozenset({"public", "s-maxage", "must-revalidate"})  # let a shared cache keep an answer to Authorization
KEPT = frozenset({"public", "s-maxage", "max-age"})


def given_to_others(headers: Headers, *, authorized: bool) -> Problem:
    """Why a cache may give this answer to another user.

    `authorized`: the request carried Authorization; shared caches then keep its answer only if the answer says so.
    """
    if headers.get("age", "0").strip() not in {"", "0"}:
        return f"it came out of a cache (Age: {excerpt(headers['age'], 20)})"
    for field in FIELDS:
        said = _directives(headers, field)
        if "no-store" in said or said.get("private") == "":
            continue
        telling = SHARED if authorized and field == "cache-control" else KEPT
        found = sorted(name for name in telling & said.keys() if said[name] != "0")
        if found:
            return f"a shared cache may keep it ({field.title()}: {excerpt(', '.join(headers.get_list(field)), 120)})"
    return _kept_for_the_next_user(headers) if authorized else ""


def kept_for_another_origin(headers: Headers) -> Problem:
    """Why a page of another origin may be given this answer, if answers differ by origin.

    `Vary` has to warn a cache that keeps it, also on the answer to a request without an Origin (Fetch, "CORS protocol
    and HTTP caches").
    """
    said = _directives(headers, "cache-control")
    keeps = any(said.get(name, "0") != "0" for name in ("max-age", "s-maxage")) or "public" in said
    varies = {one.strip().lower() for value in headers.get_list("vary") for one in value.split(",")}
    if "no-store" in said or not keeps or varies & {"origin", "*"}:
        return ""
    return f"kept (Cache-Control: {excerpt(headers.get('cache-control', ''), 60)}) without Vary: Origin"


def _kept_for_the_next_user(headers: Headers) -> Problem:
    """Why a browser gives it to the next user who logs in with the same browser."""
    said = _directives(headers, "cache-control")
    varies = {one.strip().lower() for value in headers.get_list("vary") for one in value.split(",")}
    if {"no-store", "no-cache"} & said.keys() or said.get("max-age", "0") == "0" or varies & {"authorization", "*"}:
        return ""
    return f"the same browser keeps it for {excerpt(said['max-age'], 12)} s for its next user (no Vary: Authorization)"


def _directives(headers: Headers, field: str) -> Mapping[str, str]:
    """The directives of a field, each with its value, which may be empty."""
    words = [one.strip() for value in headers.get_list(field) for one in value.split(",")]
    pairs = [word.partition("=") for word in words if word]
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
