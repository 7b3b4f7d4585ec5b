"""Cookies that an answer sets: whether one of them gives a token to scripts, or is sent without TLS."""

import re

from probes.foreign.excerpt import excerpt
from probes.http.client import Headers
from probes.problem import Problem
from probes.secret import Secret

A_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.")  # the beginning of one: its header is a JSON object, in base64url
KEPT_BY = ("HttpOnly", "Secure")  # RFC 6265, 4.1.2: out of reach of scripts; never sent without TLS


def token_given_away(headers: Headers, token: Secret | None) -> Problem:
    """Which cookie holds a token, ours or any JWT, and lacks an attribute that keeps it; its value is not repeated."""
    for cookie in headers.get_list("set-cookie"):
        pair, *attributes = (part.strip() for part in cookie.split(";"))
        name, _, value = pair.partition("=")
        given = {attribute.partition("=")[0].lower() for attribute in attributes}
        lacking = [attribute for attribute in KEPT_BY if attribute.lower() not in given]
        if lacking and (A_JWT.search(value) or (token is not None and token.is_in(value))):
            return f"the cookie {excerpt(name, 40)!r} holds a token, without {' and '.join(lacking)}"
    return ""
