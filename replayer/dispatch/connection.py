"""One worker's socket, its sending side: frames wait in a bounded line, so that nobody waits for a worker to read.

A worker that does not read until the line is full is dropped. Knows nothing of what frames say.
"""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp import WSMsgType, web

from replayer.dispatch.worker import Worker

__all__ = ["Connection"]

# Before Python 3.12, naming a member through its enum takes five times as long: these are asked of every frame.
_TEXT = WSMsgType.TEXT

_MOST_FRAMES = 10_000
_MOST_BYTES = 64 * 1024 * 1024


class Connection:
    """The sending side of one socket. `number` is its identity; it is never used again."""

    def __init__(
        self, number: int, socket: web.WebSocketResponse, *, transport: asyncio.Transport | None, base: str
    ) -> None:
        self.number = number
        self.socket = socket
        self.base = base
        """The root URL, without a slash at its end, that the worker dialled us at."""
        self.worker = Worker(connection=number)
        """Who speaks here; the queue's own, from when it knows of the connection."""
        self.frames = 0
        """Messages so far, of both directions."""
        self.dropped: str | None = None
        """Why we ended it without a word; None where we did not."""
        self._transport = transport
        self._line: deque[bytes] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def push(self, frame: bytes) -> None:
        """Send this text frame after those that wait already. Returns at once."""
        if self.dropped is not None or self._sent_at_once(frame):
            return
        self._line.append(frame)
        self._bytes += len(frame)
        self._filled.set()
        if len(self._line) > _MOST_FRAMES or self._bytes > _MOST_BYTES:
            self.drop(f"it does not read: {len(self._line)} frames ({self._bytes} bytes) wait for it")

    def _sent_at_once(self, frame: bytes) -> bool:
        """Send a frame where nothing waits before it and nothing can make it wait: the everyday case, which needs no
        task to be woken.
        """
        if self._bytes or self.socket.compress or self._transport is None or self._transport.get_write_buffer_size():
            return False
        sending = self.socket.send_frame(frame, _TEXT)
        try:
            sending.send(None)
        except StopIteration:
            return True
        except ConnectionError:
            return True  # the peer is gone: the reader notices by itself
        sending.close()  # it is written, and would wait until the peer reads: the next frame looks for that
        return True

    def drop(self, why: str) -> None:
        """End the connection at once, without a closing handshake."""
        self.dropped = why
        self._line.clear()
        if self._transport is not None:
            self._transport.abort()

    async def write(self) -> None:
        """Send what is pushed until the connection ends; one such task lives beside the connection's reader."""
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                while self._line:
                    frame = self._line.popleft()
                    await self.socket.send_frame(frame, _TEXT)
                    self._bytes -= len(frame)
        except ConnectionError:
            return  # the peer is gone: the reader notices by itself

    async def close(self, code: int, reason: str) -> None:
        """Close with the closing handshake, or without one where the peer takes more than a second for it."""
        try:
            async with asyncio.timeout(1):
                await self.socket.close(code=code, message=reason.encode())
        except TimeoutError:
            self.drop(f"it did not answer the close {code}")
