"""What an error body reveals about how a service is built: frames, statements, libraries, hosts, in any spelling."""

import re
from urllib.parse import unquote_plus, urlsplit

from probes.foreign.excerpt import excerpt

LOOKED_AT = 64 * 1024  # characters of a body
# A key with a value, whatever joins its words.
_KEYS = (
    r"[\"'](?:stack|stack[_ -]?trace|trace[_ -]?back|debug[_ -]?(?:info|data)|exc[_ -]?info|exception[_ -]?args|locals"
    r"|frames?)[\"']\s*+:\s*+(?!null|None|\"\"|''|\[\s*\]|\{\s*\})"
)
_FRAMES = (
    r"Traceback \(most recent|File [\"\\]+/|\b[\w/.-]{1,200}\.py[\"'\\]{0,3},? ?(?::|line )\d+"
    r"|\b[\w/-]{1,200}\.(?:js|ts|go|rs|java|rb|php|kt):\d+"
)
_STATEMENTS = (  # in capitals, or if more of a statement follows: "select a thread from the list" is not one
    r"(?-i:\bSELECT\b.{1,500}?\bFROM\b)"
    r"|\bselect\s[\w.,*()\" ]{1,200}?\sfrom\s[\w.\"]{1,80}\s(?:where|limit|order|join)\b"
    r"|\binsert into \w+ ?\(|(?-i:\bUPDATE \w+ SET\b|\bDELETE FROM \w)|\[SQL:"
)
_LIBRARIES = r"sqlalchemy|asyncpg|psycopg|aiohttp\.client|httpx\.|redis\.exceptions|site-packages"
_PLACES = (
    r"postgres(?:ql)?(?:\+\w+)?://|redis://|mysql://|amqp://|mongodb(?:\+srv)?://|127\.0\.0\.1|\blocalhost\b"
    r"|\b10(?:\.\d{1,3}){3}\b|\b192\.168(?:\.\d{1,3}){2}\b|\b172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}\b"
    r"|\b[a-z][\w-]{0,62}(?:\.[\w-]{1,63}){0,5}\.(?:internal|intranet|lan)(?=[:/\s\"',]|$)"
    r"|\.svc\.cluster\.local|\bmetadata\.google\.internal|/cloudsql/|internal server error<|\bpassword\b"
)
_TOKENS = r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}"  # a JWT's header and payload
_INTERNALS = re.compile(f"{_TOKENS}|{_KEYS}|{_FRAMES}|{_STATEMENTS}|{_LIBRARIES}|{_PLACES}", re.IGNORECASE)


def find_internals(text: str, request: str = "") -> str:
    """The first internal in a body, verbatim; empty if there is none.

    `request` is `METHOD url`: an answer may repeat what was in its path and query.
    """
    parts = urlsplit(request.partition(" ")[2])
    said = unquote_plus(f"{parts.path}?{parts.query}").lower()
    for found in _INTERNALS.finditer(excerpt(text, LOOKED_AT)):
        if found.group().lower() not in said:
            return found.group()
    return ""
