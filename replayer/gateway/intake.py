"""Taking a request's body in: whole, within a bound of bytes and of time.

The rule: memory does not grow with a body. What is larger than a block goes to a spool while it comes; a body that is
small enough to be taken apart comes back from there, a larger one stays. A client that asks first (`Expect:
100-continue`, RFC 9110, 10.1.1) is told to go on only where its body will be read; one that dawdles is told so.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from replayer.errors import ReplayerError
from replayer.gateway.spool import BLOCK, Spool
from replayer.match.body import LARGE

__all__ = ["BodyTooLarge", "BrokenBody", "Intake", "NoRoom", "SlowBody"]

BODY_S = 30.0
"""Seconds that a body may take, beside one for every `_PER_S` bytes of it."""
_PER_S = 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BodyTooLarge(ReplayerError):
    """More than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is over {limit} bytes")
        self.limit = limit


class BrokenBody(ReplayerError):
    """What came is no body as HTTP frames one."""


class SlowBody(ReplayerError):
    """A body that does not come to its end."""


class NoRoom(ReplayerError):
    """The disk does not take a large body."""


class Intake:
    """Reads bodies. `max_upload` is the most bytes that are read of one; those over `held` stay in their spool."""

    def __init__(self, *, max_upload: int, held: int = LARGE, body_s: float = BODY_S) -> None:
        self.max_upload = max_upload
        self.held = held
        self._body_s = body_s

    def ready(self, raw: web.BaseRequest) -> bytes | None:
        """The body where all of it is here already: the everyday case, and nobody waits for it."""
        content = raw.content
        if content.is_eof() and content.total_bytes <= self.max_upload and content.exception() is None:
            return content.read_nowait()
        return None

    async def body(self, raw: web.BaseRequest, *, most: int | None = None) -> bytes | Spool:
        """The body as it came, content encoding and all; `b""` where there is none. A spool is the caller's to close.

        Raises BodyTooLarge (`most` is another limit than `max_upload`), BrokenBody, SlowBody, NoRoom.
        """
        limit = self.max_upload if most is None else most
        if raw.content.total_bytes <= limit and (body := self.ready(raw)) is not None:
            return body
        length = raw.content_length
        if length is not None and length > limit:
            raise BodyTooLarge(limit)
        if raw.headers.get("Expect", "").lower() == "100-continue" and raw.transport is not None:
            raw.transport.write(_CONTINUE)
        try:
            return await self._read(raw, limit)
        except (web.RequestPayloadError, ValueError) as error:
            raise BrokenBody(f"the body cannot be read: {error}") from error

    async def _read(self, raw: web.BaseRequest, limit: int) -> bytes | Spool:
        loop = asyncio.get_running_loop()
        began, size, block = loop.time(), 0, bytearray()
        spool: Spool | None = None
        try:
            while True:
                try:
                    async with asyncio.timeout_at(began + self._body_s + size / _PER_S):
                        piece = await raw.content.readany()
                except TimeoutError:
                    raise SlowBody(
                        f"of the body {size} bytes came within {loop.time() - began:.0f} s: it may take "
                        f"{self._body_s:g} s, and one more for every {_PER_S} bytes"
                    ) from None
                size += len(piece)
                if size > limit:
                    raise BodyTooLarge(limit)
                block += piece
                if len(block) >= BLOCK or (not piece and spool is not None):
                    if spool is None:
                        spool = Spool()
                    await asyncio.to_thread(spool.add, bytes(block))
                    block.clear()
                if not piece:
                    break
            if spool is None:
                return bytes(block)
            if size > self.held:
                kept, spool = spool, None
                return kept
            return await asyncio.to_thread(spool.whole)
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise
            raise NoRoom(f"the body cannot be spooled: {error.strerror or error}") from error
        finally:
            if spool is not None:
                spool.close()
