"""Addresses that requests are sent to, checked before anything is contacted; no message quotes one."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from probes.http.network_path import HOST
from probes.problem import Problem


def what_is_wrong(url: str) -> Problem:
    """Why a URL can't be a base URL, as the end of a sentence that names the key; empty if it may be one."""
    return next(_reasons(url), "")


def _reasons(url: str) -> Iterator[str]:
    """Everything that is wrong, the clearest first."""
    if any(ord(letter) <= ord(" ") or ord(letter) == 0x7F for letter in url):  # noqa: PLR2004 - DEL
        yield "contains a space or a line break: copy it again as one word"
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        yield "can't be read as a URL (its port is not a number up to 65535, or a bracket is open): correct it"
        return
    if parts.scheme not in {"http", "https"}:
        yield "must begin with http:// or https://"
    if "@" in parts.netloc:
        yield "has a user or a password before its host: remove them, and set what a gateway wants as headers"
    if not host or port == 0 or not HOST.fullmatch(host):
        yield "has no host that can be contacted: write https://host, or http://host:port"
    if "?" in url or "#" in url:
        yield "has a query or a fragment (? or #): remove it, because paths are added to this URL"


def _checked(url: str) -> str:
    wrong = what_is_wrong(url) if url else ""
    if wrong:
        raise ValueError(wrong)
    return url


Address = Annotated[str, AfterValidator(_checked)]  # empty, or a base URL
