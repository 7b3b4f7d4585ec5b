"""The error in a server's log line: the exception, its message, and the relevant stack frame."""

import re
from dataclasses import dataclass

from gate.plain_text import neutralise

LIBRARY = re.compile(r"(site-packages|dist-packages|/lib/python\d|<frozen )")
FRAME = re.compile(r'^[ \t]*File "([^"\n]{1,400})", line (\d{1,7}), in (\S{1,120})', re.MULTILINE)
RAISED = re.compile(
    r"^[ \t]*((?:[A-Za-z_]\w{0,80}\.){0,8}[A-Z]\w{0,80}(?:Error|Exception|Warning|Timeout|Exit|Interrupt))\b"
    r":?[ \t]*(.{0,400})",
    re.MULTILINE,
)
TRACEBACK = "Traceback (most recent call last)"
# After a traceback an exception may have any name: sqlalchemy.exc.MissingGreenlet, asyncio.queues.QueueFull.
OF_ANY_NAME = re.compile(r"^((?:[A-Za-z_]\w{0,80}\.){1,8}[A-Z]\w{0,80}):[ \t](.{0,400})", re.MULTILINE)
VARIABLE = re.compile(
    r"https?://[^\s'\"/]{1,200}|wss?://[^\s'\"/]{1,200}|0x[0-9a-f]{1,16}|\b[0-9a-f]{8,64}(?:-[0-9a-f]{4,12}){0,4}\b"
    r"|\bnv-[\w.-]{1,80}|\d+(?:\.\d+)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ServerError:
    """An error from the server's log."""

    kind: str  # "AttributeError", without its module
    message: str
    frame: str  # "threads.py in render", in the service's own code; empty if the line has no traceback
    text: str  # the whole line

    @property
    def signature(self) -> str:
        """What is the same in every occurrence: without numbers, ids, addresses and line numbers."""
        return f"{self.kind}: {without_variables(self.message)} in {self.frame or 'no frame'}"


def read_error(text: str) -> ServerError | None:
    """The error in a log line; None if it has none. Linear in the text, which is untrusted."""
    patterns = (RAISED, OF_ANY_NAME) if TRACEBACK in text else (RAISED,)
    raised = [found for pattern in patterns for found in pattern.finditer(text)]
    if not raised:
        return None
    last = max(raised, key=lambda found: found.start())
    return ServerError(last[1].rpartition(".")[2], last[2].strip(), _frame(text), text)


def shortened(text: str, most: int) -> str:
    """A server's text cut to about `most` characters: its beginning and its end, where a traceback has the error.

    Of the part between these, the innermost frames in the service's own code are kept.
    """
    if len(text) <= most:
        return text
    head, end = most // 4, len(text) - most // 2
    own = [
        f'  File "{path}", line {line}, in {function}' for path, line, function in _own(FRAME.findall(text[head:end]))
    ]
    room = most // 4
    while own and sum(map(len, own)) > room:
        own.pop(0)
    return "\n".join((text[:head], "…", *(("\n".join(own), "…") if own else ()), text[end:]))


def without_variables(text: str) -> str:
    """A text without addresses, ids and numbers: what two occurrences have in common."""
    return neutralise(VARIABLE.sub("#", text))  # a digit before a # makes a command of it


def _frame(text: str) -> str:
    """The innermost frame in the service's own code, else the innermost frame."""
    frames = FRAME.findall(text)
    path, _, function = (_own(frames) or frames)[-1] if frames else ("", "", "")
    return f"{path.rpartition('/')[2]} in {function}" if path else ""


def _own(frames: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Frames that are of no library's code."""
    return [frame for frame in frames if not LIBRARY.search(frame[0])]
