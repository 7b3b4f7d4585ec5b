"""The WebSocket: success metric 3, the limits of a message, and the dialect of its messages."""

from typing import Any, Literal

from pydantic import Field

from targets.contract.parts import Part, Seconds, Waiting

Follows = Literal["error", "error or close", "session", "session or close", "anything"]


class DialectRules(Part):
    """The vocabulary of the WebSocket's messages: `probes.websocket.dialect.Dialect` has the same fields."""

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
    user_message: dict[str, Any]
    before_welcome: tuple[str, ...]
    unasked: tuple[str, ...]


class AfterRules(Part):
    """What must follow hostile input."""

    bad_json: Follows
    binary: Follows
    oversize: Follows
    deep: Follows
    unknown_type: Follows
    bad_message: Follows
    bad_thread: Follows
    flood: Follows


class AgentRules(Part):
    """How a user's message is answered: a series of events to the user's tabs, in this order."""

    events: tuple[str, ...]
    text_field: str
    run_field: str
    in_thread: dict[str, Any]
    every_tab: bool
    seconds: Waiting
    others_wait_s: Waiting


class WebSocketRules(Part):
    """Success metric 3 and the limits of a message."""

    max_message_bytes: int = Field(ge=1, le=64 * 1024 * 1024)
    session_seconds: Seconds
    reconnect_s: Waiting
    idle_s: Seconds
    echo_field: str
    answers_early: bool
    text_frames: bool
    dialect: DialectRules
    after: AfterRules
    agent: AgentRules
    error_codes: dict[Literal["bad_json", "refused"], frozenset[str]]
