"""Connecting: the way of one WebSocket, to a live worker's queue or to a recorded connection.

The rule: what is no path of the queue is looked up like any request; a miss is answered before the handshake, so that
the client sees the problem and not a closed socket.
"""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from replayer.cassette.model import Request, Sender, header
from replayer.errors import ReplayerError
from replayer.gateway import answers
from replayer.gateway.departed import Teller
from replayer.gateway.exchange import Exchange, Parts
from replayer.gateway.frames import Frames
from replayer.gateway.inject import Injection, injection
from replayer.gateway.narrow import narrowed
from replayer.gateway.refusal import refusal
from replayer.gateway.relay import unnamed
from replayer.gateway.relay_socket import relay_socket
from replayer.gateway.routes import Route
from replayer.gateway.websocket import Playing
from replayer.journal import Outcome
from replayer.match.conversation import Conversation
from replayer.match.player import Hit, Miss

__all__ = ["Connector"]


class Connector:
    """Takes connections to their end."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def connect(self, exchange: Exchange) -> web.StreamResponse:
        """One connection. ConnectionError where the client left in the handshake."""
        path = exchange.head.target.partition("?")[0]
        live, ours = self._parts.live, exchange.head.ours
        asked = Request(method=exchange.head.method, uri=exchange.head.target, headers=exchange.head.headers)
        if not all(value.isascii() for name, value in asked.headers if _of_handshake(name)):
            # aiohttp would stumble over it where it says what is wrong.
            return await exchange.refuse(answers.refused("bad-handshake", "a field of the handshake is not ASCII"))
        try:
            cassettes = narrowed(ours.cassette, self._parts.cassettes, of=exchange.session)
            relay = self._parts.relay
            if relay is not None:
                relay.forbid_faults(exchange)
            injected = injection(exchange, seed=self._parts.seed)
            if injected is not None:
                instead = injected.instead(asked, None)
                if instead is not None:
                    return await exchange.deliver(instead)
            if live is not None and live.serves_socket(path):
                _unapplied(injected, "a worker's connection is live")
                exchange.entry.outcome = Outcome.DISPATCHED
                exchange.entry.status = 101
                return await live.connect(exchange.raw, session=exchange.session.name)
            target, route = self._parts.routes.of(exchange.head.target, ours.upstream, host=ours.host)
        except ReplayerError as error:
            return await exchange.refuse(refusal(error, cassettes=self._parts.cassettes))
        reach = None if relay is None else relay.reach(exchange, route)
        if relay is not None and reach is not None and relay.always:
            _unapplied(injected, "the connection is live")
            return await relay_socket(relay, exchange, replace(asked, uri=target), reach)
        found = self._parts.player.answer(
            replace(asked, uri=f"ws://{header(asked.headers, 'host') or 'localhost'}{target}"),
            state=exchange.session.play,
            entry=exchange.entry.id,
            cassettes=cassettes,
            host=route.host,
            rules=route.rules,
        )
        if isinstance(found, Miss):
            _unapplied(injected, "nothing was recorded of this connection")
            if relay is not None and reach is not None:
                return await relay_socket(relay, exchange, replace(asked, uri=target), reach)
            return await self._miss(exchange, found)
        return await self._play(exchange, found, route, injected)

    async def _play(self, exchange: Exchange, hit: Hit, route: Route, injected: Injection | None) -> web.StreamResponse:
        frames = hit.interaction.response.frames
        if frames is None:  # a handshake that was refused when it was recorded
            _unapplied(injected, "the handshake was refused when it was recorded")
            exchange.entry.interaction = hit.name
            return await exchange.answer(hit.interaction.response, Outcome.HIT)
        player = self._parts.player
        teller = Teller(rules=route.rules, show=player.show, redact=self._parts.redact_text)
        conversation = Conversation(frames, route.rules, gate=route.gate)
        # What is recorded is told of once, when it is first played.
        known = frozenset({Sender.SERVER}) if hit.played > 1 else frozenset[Sender]()
        judged = Frames(self._parts.judge, exchange.entry, hit.interaction.request.uri, known=known)
        script = None if injected is None else injected.rescripted(frames)
        playing = Playing(exchange, hit, conversation, script=script, pace=route.pace, teller=teller, frames=judged)
        return await playing.to_its_end()

    async def _miss(self, exchange: Exchange, miss: Miss) -> web.StreamResponse:
        exchange.entry.note("nearest", [answers.described(near) for near in miss.nearest])
        refusal = answers.missed(
            miss,
            method="WebSocket",
            target=exchange.entry.target,
            status=self._parts.miss_status,
            more=unnamed(self._parts.relay),
        )
        return await exchange.answer(refusal, Outcome.MISS)


def _unapplied(injected: Injection | None, reason: str) -> None:
    if injected is not None:
        injected.unapplied(reason)


def _of_handshake(name: str) -> bool:
    lower = name.lower()
    return lower in ("connection", "upgrade") or lower.startswith("sec-websocket-")
