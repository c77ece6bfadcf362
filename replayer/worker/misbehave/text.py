"""The text of a frame, for those who do not keep to its messages."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["changed", "keys_of"]


def keys_of(text: str | bytes) -> dict[str, Any] | None:
    """The keys of an object; None for what is none."""
    try:
        keys = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return keys if isinstance(keys, dict) else None


def changed(frame: bytes, **keys: Any) -> bytes:
    """A frame with other values for some keys."""
    return orjson.dumps({**orjson.loads(frame), **keys})
