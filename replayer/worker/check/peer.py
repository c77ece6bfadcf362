"""One connection of the worker that is checked, seen from the queue's end: what it showed, and what can be done to it.

Nothing here judges. A connection can be treated as no good queue would treat it: cut, starved, fed in small pieces.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from replayer.cassette.model import FrameKind, Sender
from replayer.clock import Clock
from replayer.dispatch.messages import Register, ServerMessage
from replayer.dispatch.wire import encode

__all__ = ["Peer", "Said"]

_KEPT = 2_000
"""Characters of a message that the timeline keeps."""
_PIECES = 40
"""Pieces that a dribbled frame is sent in, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message of a connection, for its timeline."""

    at: float
    """The clock's milliseconds."""
    sender: Sender
    """The worker is the client."""
    kind: FrameKind
    text: str
    broken: bool = False
    """It broke a rule or its schema."""


class Peer:
    """One connection. `number` counts them from 1."""

    def __init__(self, number: int, request: web.BaseRequest, websocket: web.WebSocketResponse, clock: Clock) -> None:
        self.number = number
        self.path = request.path
        self.host = request.host
        self.authorization = request.headers.get("Authorization")
        self.extensions = request.headers.get("Sec-WebSocket-Extensions", "")
        self.opened_at = clock.ms()
        self.registered: Register | None = None
        """Its newest registration."""
        self.first: str | None = None
        """The type of the first message, or what the first frame was instead."""
        self.drained_at: float | None = None
        self.close_code: int | None = None
        """Of a closed connection; 1006 where it ended without a close frame."""
        self.pongs = 0
        self.said: list[Said] = []
        self._clock = clock
        self._websocket = websocket
        self._transport = request.transport

    @property
    def is_open(self) -> bool:
        return self.close_code is None

    def note(self, sender: Sender, text: str, kind: FrameKind = FrameKind.TEXT, *, broken: bool = False) -> None:
        """Put a message on the connection's timeline."""
        self.said.append(Said(at=self._clock.ms(), sender=sender, kind=kind, text=text[:_KEPT], broken=broken))

    async def say(self, message: ServerMessage) -> None:
        """Send a message of the protocol."""
        await self.text(encode(message))

    async def text(self, text: bytes) -> None:
        """Send any text frame. A connection that is gone takes nothing and says nothing."""
        self.note(Sender.SERVER, text.decode())
        await self._frame(text, WSMsgType.TEXT)

    async def binary(self, data: bytes) -> None:
        """Send a binary frame: the protocol has none."""
        self.note(Sender.SERVER, f"{len(data)} bytes", FrameKind.BINARY)
        await self._frame(data, WSMsgType.BINARY)

    async def ping(self) -> None:
        """Send a ping; the pong is counted."""
        await self._frame(b"replayer", WSMsgType.PING)

    async def dribble(self, message: ServerMessage, seconds: float) -> None:
        """Send a message over so many seconds, a few bytes at a time, as a bad network would deliver it."""
        self.note(Sender.SERVER, encode(message).decode())
        frame = _unmasked(encode(message))
        size = max(1, -(-len(frame) // _PIECES))
        for start in range(0, len(frame), size):
            if self._transport is not None and not self._transport.is_closing():
                self._transport.write(frame[start : start + size])
            await asyncio.sleep(seconds / _PIECES)

    async def starve(self, seconds: float) -> None:
        """Read nothing for so long."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            await asyncio.sleep(seconds)
            if not self._transport.is_closing():
                self._transport.resume_reading()

    async def close(self, code: int, reason: str = "") -> None:
        """Close with this code and the closing handshake; a peer that does not answer it is cut off."""
        self.note(Sender.SERVER, str(code), FrameKind.CLOSE)
        try:
            async with asyncio.timeout(2):
                await self._websocket.close(code=code, message=reason.encode())
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Cut the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    async def _frame(self, payload: bytes, kind: WSMsgType) -> None:
        try:
            await self._websocket.send_frame(payload, kind)
        except ConnectionError:
            return


def _unmasked(payload: bytes) -> bytes:
    """A text frame from a server (RFC 6455, section 5.2), uncompressed."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + struct.pack("!H", size) + payload
    return b"\x81\x7f" + struct.pack("!Q", size) + payload
