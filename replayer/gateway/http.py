"""Delivery over HTTP: carries out a plan, step by step. Nothing else touches the socket.

The rule: one `Send` is one chunk and one write; only what nothing waits for goes out together. A cut answer is cut as
the plan says: FIN before the promised end, or RST. Times are kept against the start, so that waits do not add up to
more than was asked. How the framing goes: RFC 9112, section 6.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Generator

from aiohttp import web

from replayer.faults.plan import Ending, Send
from replayer.gateway.prepared import Prepared

__all__ = ["Answering", "Delivered", "deliver", "deliver_whole", "pour", "raising"]

Answering = Awaitable[web.StreamResponse]
"""An answer on its way; a `Delivered` where it is out already."""

_LINGER_NONE = struct.pack("ii", 1, 0)
_EVENTS_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n"
_END = b"0\r\n\r\n"
_TOGETHER = 65_536
"""Bytes that go out in one write, where nothing waits."""


class Delivered(web.StreamResponse):
    """What aiohttp is told when an answer is out: nothing more to write, and whether the connection goes on.

    Awaiting it waits for nothing: what can be answered at once is answered in a plain call.
    """

    def __init__(self, *, keep_alive: bool) -> None:
        super().__init__()
        self._keep_alive = keep_alive

    def __await__(self) -> Generator[None, None, Delivered]:
        return self
        yield  # what makes this a generator

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


_GOES_ON = Delivered(keep_alive=True)
_ENDS = Delivered(keep_alive=False)


def deliver_whole(head: bytes, body: bytes, raw: web.BaseRequest, *, ours: bytes = b"") -> Awaitable[Delivered]:
    """Send an answer in one piece. `head` is what `whole_head` gives; the request is no HEAD."""
    goes_on = raw.keep_alive and raw.content.is_eof()
    connection = _connection(raw, goes_on=goes_on)
    return _out(raw, b"%b%bcontent-length: %d\r\n%b\r\n%b" % (head, ours, len(body), connection, body), goes_on=goes_on)


def deliver(
    prepared: Prepared, raw: web.BaseRequest, *, ours: bytes = b"", since: float | None = None
) -> Awaitable[Delivered]:
    """Send an answer. `ours` are fields of our own, each with its line end; waits count from `since`, a time of the
    loop (None: from now).

    Raises ConnectionError where the client left before the end.
    """
    # What was refused before its body was read cannot be followed by another request.
    goes_on = raw.keep_alive and raw.content.is_eof()
    if prepared.at_once and len(prepared.body) <= _TOGETHER:
        head = _framed(prepared, raw, ours, goes_on=goes_on)
        bare = prepared.bodiless or raw.method == "HEAD"
        return _out(raw, head if bare else head + prepared.body, goes_on=goes_on)
    return _step_by_step(prepared, raw, ours, since)


async def raising(error: Exception) -> web.StreamResponse:
    """What went wrong before there was anything to wait for, to be met where what goes wrong later is met."""
    raise error


async def pour(
    prepared: Prepared, raw: web.BaseRequest, pieces: AsyncIterator[bytes], *, ours: bytes = b""
) -> Delivered:
    """Send a head, and the body's pieces as they come, each in a write (and a chunk) of its own.

    Raises ConnectionError where the client left before the end, and whatever `pieces` raises: then the body is cut.
    """
    streamed = prepared.plan.streamed
    chunked = streamed and raw.version >= (1, 1)
    goes_on = raw.keep_alive and (chunked or not streamed)
    head = _framed(prepared, raw, ours, goes_on=goes_on)
    if prepared.bodiless or raw.method == "HEAD":
        async for _ in pieces:
            pass
        await _write(raw, head)
        return _GOES_ON if goes_on else _ENDS
    await _write(raw, head)
    async for piece in pieces:
        await _write(raw, _chunk(piece) if chunked else piece)
    if chunked:
        await _write(raw, _END)
    return _GOES_ON if goes_on else _ENDS


async def deliver_events(events: AsyncIterator[bytes], raw: web.BaseRequest, *, ours: bytes = b"") -> Delivered:
    """Send a live stream of events, each in one chunk as it comes. Raises ConnectionError where the client left."""
    chunked = raw.version >= (1, 1)
    framing = b"transfer-encoding: chunked\r\n" if chunked else b"connection: close\r\n"
    await _write(raw, _EVENTS_HEAD + ours + framing + b"\r\n")
    if raw.method == "HEAD":
        return _ENDS
    async for event in events:
        await _write(raw, _chunk(event) if chunked else event)
    if not chunked:
        return _ENDS
    await _write(raw, _END)
    return _GOES_ON if raw.keep_alive else _ENDS


def _out(raw: web.BaseRequest, data: bytes, *, goes_on: bool) -> Awaitable[Delivered]:
    """Write all of an answer."""
    _transport(raw).write(data)
    out = _GOES_ON if goes_on else _ENDS
    return _drained(raw, out) if raw.protocol.writing_paused else out


async def _drained(raw: web.BaseRequest, out: Delivered) -> Delivered:
    """Once the client has read enough of what was written."""
    await raw.writer.drain()
    return out


async def _step_by_step(prepared: Prepared, raw: web.BaseRequest, ours: bytes, since: float | None) -> Delivered:
    plan = prepared.plan
    pace = _Pace(since)
    for wait in plan.before:
        await pace.wait(wait.ms)
    chunked = plan.streamed and raw.version >= (1, 1)
    goes_on = raw.keep_alive and plan.ending is Ending.COMPLETE and (chunked or not plan.streamed)
    head = _framed(prepared, raw, ours, goes_on=goes_on) if plan.status else b""
    if prepared.bodiless or raw.method == "HEAD":
        await _write(raw, head)
    elif chunked and prepared.body and len(prepared.body) <= _TOGETHER:
        chunks = b"".join(_chunk(step.data) for step in plan.steps if isinstance(step, Send))
        await _write(raw, head + chunks + (_END if plan.ending is Ending.COMPLETE else b""))
    else:
        await _write_steps(prepared, raw, head, pace, chunked=chunked)
    if plan.ending is Ending.RESET:
        await _reset(raw)
    return _GOES_ON if goes_on else _ENDS


async def _write_steps(prepared: Prepared, raw: web.BaseRequest, head: bytes, pace: _Pace, *, chunked: bool) -> None:
    plan = prepared.plan
    if head:
        await _write(raw, head)
    for step in plan.steps:
        if not isinstance(step, Send):
            await pace.wait(step.ms)
        elif chunked:
            await _write(raw, _chunk(step.data))
        else:
            # In pieces: what a slow client has not read yet is not copied for it all at once.
            data = memoryview(step.data)
            for at in range(0, len(data), _TOGETHER):
                await _write(raw, data[at : at + _TOGETHER])
    if chunked and plan.ending is Ending.COMPLETE:
        await _write(raw, _END)


def _framed(prepared: Prepared, raw: web.BaseRequest, ours: bytes, *, goes_on: bool) -> bytes:
    """The head with its framing and its empty line."""
    plan = prepared.plan
    if prepared.bodiless or (raw.method == "HEAD" and plan.promised is None):
        framing = b""
    elif plan.streamed:
        framing = b"transfer-encoding: chunked\r\n" if raw.version >= (1, 1) else b""
    else:
        framing = b"content-length: %d\r\n" % prepared.promised
    return b"%b%b%b%b\r\n" % (prepared.head, ours, framing, _connection(raw, goes_on=goes_on))


def _connection(raw: web.BaseRequest, *, goes_on: bool) -> bytes:
    if not goes_on:
        return b"connection: close\r\n"
    return b"" if raw.version >= (1, 1) else b"connection: keep-alive\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


async def _write(raw: web.BaseRequest, data: bytes | memoryview) -> None:
    if data:
        _transport(raw).write(data)
        await raw.writer.drain()


def _transport(raw: web.BaseRequest) -> asyncio.Transport:
    transport = raw.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client left")
    return transport


async def _reset(raw: web.BaseRequest) -> None:
    """End a connection by RST, after all that was written has gone out."""
    transport = _transport(raw)
    transport.set_write_buffer_limits(0)
    await raw.writer.drain()
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    transport.abort()


class _Pace:
    """Waits that are counted from one start."""

    def __init__(self, since: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() if since is None else since

    async def wait(self, ms: float) -> None:
        self._due += ms / 1000
        # Zero gives others their turn, and a client that left its chance to be noticed.
        await asyncio.sleep(max(0.0, self._due - self._loop.time()))
