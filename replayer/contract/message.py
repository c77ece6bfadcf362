"""A message's bytes read as JSON, as strictly as JSON is written.

NaN, lone surrogates, invalid UTF-8 and nesting beyond 1,024 levels are refused here, so that no schema engine ever
meets them. Knows nothing of schemas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

__all__ = ["NO_JSON", "REDACTED", "UNREAD", "Spoken", "Unreadable", "excerpt", "parse"]

REDACTED = "[REDACTED]"
"""What stands where a secret stood; whatever contains it is not judged by its value."""

NO_JSON = "replayer:json"
"""The rule that a message of a JSON channel is JSON: what a violation names in a schema's place."""


UNREAD: Any = object()
"""In place of a JSON value: nobody has parsed the message yet."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Not JSON, and why."""

    reason: str


@dataclass(slots=True)
class Spoken:
    """The JSON values of an exchange's two bodies, where somebody has them already: so that nobody parses them again.

    Who parses a body, or makes it, says so here; each is what its bytes say.
    """

    asked: Any = UNREAD
    answered: Any = UNREAD


def parse(payload: str | bytes) -> Any:
    """The JSON value of `payload`, or `Unreadable`. Never raises."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return Unreadable(error.msg if payload else "empty")


def excerpt(value: Any, limit: int = 120) -> str:
    """What was there, in at most `limit` characters; objects and lists by their outline where they are long."""
    if isinstance(value, bytes):
        text = repr(value[:limit])
    else:
        try:
            text = orjson.dumps(value).decode()
        except (TypeError, ValueError, RecursionError):
            text = ascii(value)[: 4 * limit]
    if len(text) > limit and isinstance(value, dict):
        text = "an object with " + ", ".join(ascii(str(key)) for key in value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
