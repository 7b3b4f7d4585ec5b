"""What the OpenAPI document says of routes that read their request themselves."""

from typing import Any

from twin.backend.threads import DEFAULT_LIMIT, MAX_LIMIT

ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error", "trace_id"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        },
        "trace_id": {"type": "string"},
    },
}


def _refusals(**by_status: str) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"schema": ERROR}}
    return {int(status[1:]): {"description": why, "content": content} for status, why in by_status.items()}


AS_FOR_ANYONE = _refusals(_400="A request that can't be read.")
AS_FOR_USERS = _refusals(
    _401="No valid token.",
    _403="Somebody else's.",
    _404="Not there.",
    _413="Too large.",
    _422="Not as this document says.",
    _503="Authentication is not available.",
)
WINDOW: dict[str, Any] = {
    "parameters": [
        {
            "name": "limit",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        },
        {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0, "default": 0}},
    ]
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "title": {"type": ["string", "null"], "maxLength": 500},
                        "metadata": {"type": ["object", "null"]},
                    },
                }
            }
        },
    }
}
