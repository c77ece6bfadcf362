"""Which of the agreed contents a body is, by its media type (RFC 9110, 8.3 and 12.5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from replayer.cassette.model import Headers, header

__all__ = ["EVENT_STREAM", "choose", "is_json", "media_type"]

EVENT_STREAM = "text/event-stream"
_T = TypeVar("_T")


def media_type(headers: Headers, body: bytes) -> str | None:
    """The type that the message says it has; where it says none, what the body looks like, or None."""
    said = header(headers, "content-type")
    if said:
        return _essence(said)
    start = body[:64].lstrip()
    if start.startswith((b"{", b"[")):
        return "application/json"
    return EVENT_STREAM if start.startswith((b"data:", b"event:", b":")) else None


@lru_cache(maxsize=256)
def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def choose(contents: Mapping[str, _T], media: str) -> _T | None:
    """The content of this type: an exact one before `type/*` before `*/*`."""
    exact = contents.get(media)
    return exact or contents.get(media.partition("/")[0] + "/*") or contents.get("*/*")


def is_json(media: str) -> bool:
    """Whether bodies of this type are JSON."""
    return media == "application/json" or media.endswith("+json") or media == "text/json"
