"""Relaying a WebSocket: both ways, message by message, as long as both sides are there.

The rule: the upstream is asked before the client's handshake is answered, so that its refusal is the client's; a close
goes over with its code, and where a side is lost without one the other is lost too. Each message is held against its
contract before it goes on; one that must not closes the client's connection with a code that says whose it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import WSMsgType, web
from yarl import URL

from replayer.cassette.model import Request, Sender, header
from replayer.gateway import answers
from replayer.gateway.departed import reason
from replayer.gateway.exchange import Exchange
from replayer.gateway.frames import Frames
from replayer.gateway.hop import onward
from replayer.gateway.relay import RELAYED, Relay
from replayer.gateway.upstreams import Reach

__all__ = ["relay_socket"]

_ABORTED = 1006
_MAX_MESSAGE = 64 * 1024 * 1024
_CLOSING = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def relay_socket(relay: Relay, exchange: Exchange, asked: Request, reach: Reach) -> web.StreamResponse:
    """Take a connection upstream and to its end. `asked.uri` is the target as it would be recorded."""
    kept = relay.expect(exchange)
    offered = header(asked.headers, "sec-websocket-protocol") or ""
    fields = [(name, value) for name, value in onward(exchange.head.headers) if not _of_handshake(name)]
    if kept is not None:
        fields.append((RELAYED, kept.id))
    try:
        upstream = await relay.client().ws_connect(
            URL(reach.address(asked.uri), encoded=True),
            headers=fields,
            protocols=[name.strip() for name in offered.split(",") if name.strip()],
            max_msg_size=_MAX_MESSAGE,
            autoclose=False,
            **relay.proxied,
        )
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return await exchange.refuse(answers.unreachable(reach.name, reach.url, error))
    entry = exchange.entry
    entry.outcome, entry.status = relay.outcome, 101
    client = web.WebSocketResponse(
        protocols=(upstream.protocol,) if upstream.protocol else (), max_msg_size=_MAX_MESSAGE, autoclose=False
    )
    client.headers["Replayer-Outcome"] = relay.outcome.value
    try:
        await client.prepare(exchange.raw)
        frames = relay.frames(exchange, asked, reach)
        await _both_ways(client, upstream, exchange, frames)
        frames.end()
    finally:
        await upstream.close()
    if kept is not None:
        entry.interaction = await relay.named(kept)
    return client


async def _both_ways(
    client: web.WebSocketResponse, upstream: aiohttp.ClientWebSocketResponse, exchange: Exchange, frames: Frames
) -> None:
    def heard(sender: Sender) -> Callable[[str | bytes], Awaitable[bool]]:
        async def hear(payload: str | bytes) -> bool:
            wrong = frames.hear(sender, payload)
            if wrong is not None:
                await client.close(code=wrong.code, message=reason(wrong.reason))
            return wrong is None

        return hear

    ways = {
        asyncio.create_task(_pass(client, upstream, heard(Sender.CLIENT))),
        asyncio.create_task(_pass(upstream, client, heard(Sender.SERVER))),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    if upstream.close_code == _ABORTED and exchange.raw.transport is not None:
        exchange.raw.transport.abort()
        raise ConnectionResetError("the upstream was lost")


async def _pass(source: Socket, sink: Socket, may_pass: Callable[[str | bytes], Awaitable[bool]]) -> None:
    """One way, until its source closes; the close goes over too."""
    while True:
        message = await source.receive()
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY) and not await may_pass(message.data):
            return
        if message.type is WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        elif message.type in _CLOSING:
            code = source.close_code
            if code is not None and code != _ABORTED:
                reason = message.extra if isinstance(message.extra, str) else ""
                await sink.close(code=code if code != 1005 else 1000, message=reason.encode())
                await source.close(code=code if code != 1005 else 1000)
            return


def _of_handshake(name: str) -> bool:
    """Fields that every handshake has of its own."""
    return name.lower() == "host" or name.lower().startswith("sec-websocket-")
