"""A service's WebSocket vocabulary: which message is what, and where in it a value is."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]
LONE = re.compile("[\ud800-\udfff]")  # half a surrogate pair, which UTF-8 has no bytes for


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Names of messages and of their fields. An empty name: the service does not have that."""

    subprotocol: str
    token_prefix: str
    welcome_type: str
    welcome_event: str
    ready_field: str
    user_field: str
    session_field: str
    sequence_field: str
    ping: str
    pong: str
    heartbeat: str
    acknowledgement: str
    error: str
    error_code_field: str
    user_message: Mapping[str, Any]
    before_welcome: Sequence[str]
    unasked: Sequence[str]

    def token_offer(self, token: str) -> str:
        """The subprotocol that carries a token."""
        return f"{self.token_prefix}{base64.urlsafe_b64encode(token.encode()).rstrip(b'=').decode()}"

    def is_welcome(self, message: Message) -> bool:
        """Whether a message welcomes a session."""
        event = data_of(message).get("event", "")
        return message.get("type") == self.welcome_type and (not self.welcome_event or event == self.welcome_event)

    def may_precede(self, message: Message) -> bool:
        """Whether a message may come before the welcome."""
        return _is_one_of(message, self.before_welcome) or self.is_unasked(message)

    def is_unasked(self, message: Message) -> bool:
        """Whether a message may come at any time, and answers nothing."""
        return _is_one_of(message, self.unasked)

    def is_error(self, message: Message) -> bool:
        """Whether a message is an error."""
        return bool(message.get("type") == self.error)

    def code_of(self, message: Message) -> str:
        """The code of an error message; the whole message if it has none."""
        return str(message.get(self.error_code_field) or data_of(message).get(self.error_code_field) or message)

    def message_of(self, text: str, form: Mapping[str, Any] | None = None, **more: str) -> Message:
        """The message that says a user's text; in another `form`, with `more` for its further placeholders."""
        written = json.dumps(self.user_message if form is None else form)
        for name, value in {**more, "text": text}.items():
            written = written.replace(f"{{{name}}}", json.dumps(value)[1:-1])
        filled: Message = json.loads(written)
        return filled


def stringify(message: Message) -> str:
    """A message as a page writes it: no blanks, and letters as they are, but for half a surrogate pair."""
    compact = (",", ":")
    text = json.dumps(message, ensure_ascii=False, separators=compact)
    return json.dumps(message, separators=compact) if LONE.search(text) else text


def data_of(message: Message) -> Message:
    """A message's `data` if it is an object, else an empty one."""
    data = message.get("data")
    return data if isinstance(data, dict) else {}


def _is_one_of(message: Message, names: Sequence[str]) -> bool:
    kind, event = str(message.get("type", "")), str(data_of(message).get("event", ""))
    return kind in names or f"{kind}/{event}" in names
