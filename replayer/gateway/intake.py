"""Taking a request's body in: whole, and within a bound.

The rule: a client that asks first (`Expect: 100-continue`, RFC 9110, 10.1.1) is told to go on only where its body
will be read.
"""

from __future__ import annotations

from aiohttp import web

from replayer.errors import ReplayerError

__all__ = ["BodyTooLarge", "BrokenBody", "read_body"]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BodyTooLarge(ReplayerError):
    """More than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is over {limit} bytes")
        self.limit = limit


class BrokenBody(ReplayerError):
    """What came is no body as HTTP frames one."""


async def read_body(raw: web.BaseRequest) -> bytes:
    """The body as it came, content encoding and all; `b""` where there is none. Raises BodyTooLarge, BrokenBody."""
    content = raw.content
    if content.is_eof() and content.total_bytes <= raw.client_max_size and content.exception() is None:
        return content.read_nowait()  # all of it is here already: the everyday case
    length = raw.content_length
    if length is not None and length > raw.client_max_size:
        raise BodyTooLarge(raw.client_max_size)
    if raw.headers.get("Expect", "").lower() == "100-continue" and raw.transport is not None:
        raw.transport.write(_CONTINUE)
    try:
        return await raw.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise BodyTooLarge(raw.client_max_size) from error
    except (web.RequestPayloadError, ValueError) as error:
        raise BrokenBody(f"the body cannot be read: {error}") from error
