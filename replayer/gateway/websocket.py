"""A recorded connection, played: server frames in order, each after the client frames that came before it.

The rule: a client frame must be the recorded one, JSON by value with the route's ignore rules, and come within five
seconds; else the connection is closed with 4424, and the reason and the journal say what was awaited. A recorded
close closes with its code, a recorded abort (1006) aborts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from aiohttp import WSMsgType, web

from replayer.cassette.model import Frame, FrameKind, Sender, header
from replayer.gateway.exchange import Exchange
from replayer.gateway.prepared import field_value
from replayer.journal import Outcome
from replayer.match.canonical import parse
from replayer.match.jsondiff import Change, diff
from replayer.match.nearmiss import shorten
from replayer.match.placeholders import fits
from replayer.match.player import Hit
from replayer.match.rules import Rules

__all__ = ["MISMATCH", "STALL_S", "differences", "play_connection"]

MISMATCH = 4424
"""The close code of a connection that does not go as recorded."""
STALL_S = 5.0
"""Seconds that an awaited client frame may take."""
_MAX_REASON = 123
"""Bytes of a close frame's reason (RFC 6455, 5.5)."""
_MAX_MESSAGE = 16 * 1024 * 1024
_ABORTED = 1006


class _Departure(Exception):
    """The connection does not go as recorded; its text says what was awaited."""


async def play_connection(
    exchange: Exchange, hit: Hit, rules: Rules, *, redact: Callable[[str], str]
) -> web.StreamResponse:
    """Play a recorded connection to its end. `redact` takes the secrets out of what is told of a departure."""
    response = hit.interaction.response
    entry = exchange.entry
    entry.outcome, entry.status, entry.interaction = Outcome.HIT, 101, f"{hit.cassette}#{hit.index}"
    protocol = header(response.headers, "sec-websocket-protocol")
    socket = web.WebSocketResponse(protocols=(protocol,) if protocol else (), max_msg_size=_MAX_MESSAGE)
    socket.headers["Replayer-Outcome"] = Outcome.HIT.value
    socket.headers["Replayer-Interaction"] = field_value(entry.interaction).decode()
    await socket.prepare(exchange.raw)
    try:
        for number, frame in enumerate(response.frames or ()):
            await _play(socket, exchange, frame, number, rules)
            if socket.closed:
                return socket
        # Recording stopped before the connection did: it stays open until the client closes it.
        await _until_closed(socket)
    except _Departure as departure:
        told = redact(str(departure))
        entry.details["awaited"] = told
        entry.outcome = Outcome.MISS
        await socket.close(code=MISMATCH, message=told.encode()[:_MAX_REASON])
    return socket


async def _play(socket: web.WebSocketResponse, exchange: Exchange, frame: Frame, number: int, rules: Rules) -> None:
    if frame.sender is Sender.CLIENT:
        await _await(socket, frame, number, rules)
    elif frame.kind is FrameKind.TEXT:
        await socket.send_str(frame.text)
    elif frame.kind is FrameKind.BINARY:
        await socket.send_bytes(frame.data)
    elif frame.code == _ABORTED:
        transport = exchange.raw.transport
        if transport is not None:
            transport.abort()
        raise ConnectionResetError("aborted, as recorded")
    else:
        await socket.close(code=frame.code or 1000, message=frame.text.encode())


async def _await(socket: web.WebSocketResponse, frame: Frame, number: int, rules: Rules) -> None:
    """Receive the client's next message and hold it against the recorded one."""
    try:
        async with asyncio.timeout(STALL_S):
            message = await socket.receive()
    except TimeoutError:
        raise _Departure(f"frame {number}: {STALL_S:g} s without {_named(frame)}") from None
    left = message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
    if frame.kind is FrameKind.CLOSE:
        if not left:
            raise _Departure(f"frame {number}: awaited {_named(frame)}, got a message")
        return
    if left:
        raise _Departure(f"frame {number}: awaited {_named(frame)}, the client left")
    change = next(differences(frame, message.data, rules), None)
    if change is not None:
        place = f" at {change.pointer}" if change.pointer else ""
        raise _Departure(f"frame {number}{place}: awaited {shorten(change.recorded)}, got {shorten(change.asked)}")


def differences(frame: Frame, data: str | bytes, rules: Rules) -> Iterator[Change]:
    """Where a client's message differs from the recorded one; nothing where it does not. Pure."""
    recorded: str | bytes = frame.text if frame.kind is FrameKind.TEXT else frame.data
    if type(recorded) is not type(data):
        kinds = ("text", "binary") if frame.kind is FrameKind.TEXT else ("binary", "text")
        yield Change("", f"a {kinds[0]} message", f"a {kinds[1]} message")
        return
    if recorded == data:
        return
    ours, theirs = _value(recorded, rules), _value(data, rules)
    if ours is None or theirs is None:
        if not fits(recorded, data):
            yield Change("", recorded, data)
        return
    yield from diff(ours[0], theirs[0], limit=5)


def _value(message: str | bytes, rules: Rules) -> tuple[object] | None:
    """The JSON value of a text message, in a tuple because it may be null; None where it is not JSON."""
    if isinstance(message, bytes):
        return None
    try:
        value = parse(message.encode("utf-8", "surrogatepass"))
    except ValueError:
        return None
    for path in rules.ignore:
        value = path.without(value)
    return (value,)


def _named(frame: Frame) -> str:
    if frame.kind is FrameKind.CLOSE:
        return f"a close {frame.code}"
    return f"{frame.kind} {shorten(frame.text if frame.kind is FrameKind.TEXT else frame.data)}"


async def _until_closed(socket: web.WebSocketResponse) -> None:
    while not socket.closed:
        await socket.receive()
