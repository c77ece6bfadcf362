"""Responding: the way of one HTTP request from its body to its last byte.

The rule is the order: everything that can be refused is understood first; then request contract, faults, source,
response contract, delivery. Nothing is consumed before.
"""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from replayer.cassette.model import Request
from replayer.errors import ReplayerError
from replayer.faults.pacing import plan_of
from replayer.gateway import answers
from replayer.gateway.exchange import Exchange, Parts
from replayer.gateway.inject import Injection, injection
from replayer.gateway.intake import read_body
from replayer.gateway.judge import told
from replayer.gateway.narrow import narrowed
from replayer.gateway.ports import Live
from replayer.gateway.refusal import refusal
from replayer.gateway.relay import unnamed
from replayer.gateway.routes import Route
from replayer.gateway.shelf import Shelf
from replayer.journal import Outcome
from replayer.match.index import Known
from replayer.match.player import Hit, Miss
from replayer.match.requestdrift import request_drift

__all__ = ["Responder"]

_ROOT_CONTROL = frozenset({"/health", "/ready"})
"""Control routes that answer at the root too, where nothing else has that path."""


class Responder:
    """Answers HTTP requests, one after the other or side by side."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._judge = parts.judge
        self._shelf = Shelf(parts.judge.recorded, miss_status=parts.miss_status)

    async def respond(self, exchange: Exchange) -> web.StreamResponse:
        """Answer one request. ConnectionError where the client left before the end."""
        ours = exchange.ours
        try:
            body = await read_body(exchange.raw)
            cassettes = narrowed(ours.cassette, self._parts.cassettes, of=exchange.session)
            target, route = self._parts.routes.of(exchange.target, ours.upstream, host=ours.host)
            if self._parts.relay is not None:
                self._parts.relay.forbid_faults(exchange)
            injected = injection(exchange, seed=self._parts.seed)
        except ReplayerError as error:
            return await exchange.refuse(refusal(error, cassettes=self._parts.cassettes))
        asked = Request(method=exchange.raw.method, uri=target, headers=exchange.headers, body=body or None)
        live = self._live(exchange)
        known = None if live is not None else self._parts.player.recognise(asked, route.rules)
        violations = self._judge.request(asked, service=None if live is None else live.service, known=known)
        if violations:
            exchange.entry.violations.extend(told(violations))
            if self._judge.refuses(violations):
                return await exchange.refuse(answers.violated(violations, status=400))
        if injected is not None and (instead := injected.instead(asked, route.host)) is not None:
            return await exchange.deliver(instead)
        if live is not None:
            # A dispatched route is the gateway's own: no base path of an upstream belongs in front of it.
            own = asked if target is exchange.target else replace(asked, uri=exchange.target)
            return await self._dispatch(exchange, own, live, injected)
        return await self._play(exchange, asked, route, cassettes, injected, known)

    def forget(self) -> None:
        """What was made ready is no longer what is loaded."""
        self._shelf = Shelf(self._judge.recorded, miss_status=self._parts.miss_status)

    def _live(self, exchange: Exchange) -> Live | None:
        """The workers, if one of them answers; whoever names an upstream wants what was recorded from it."""
        live = self._parts.live
        path = exchange.target.partition("?")[0]
        named = exchange.ours.upstream is not None or exchange.ours.host is not None
        return None if live is None or named or not live.serves(exchange.raw.method, path) else live

    async def _play(
        self,
        exchange: Exchange,
        asked: Request,
        route: Route,
        cassettes: frozenset[str] | None,
        injected: Injection | None,
        known: Known | None,
    ) -> web.StreamResponse:
        entry = exchange.entry
        relay = self._parts.relay
        if relay is not None and relay.always and (reach := relay.upstreams.of(route)) is not None:
            return await relay.respond(exchange, asked, reach, injected)
        found = self._parts.player.answer(
            asked,
            state=exchange.session.play,
            entry=entry.id,
            cassettes=cassettes,
            host=route.host,
            rules=route.rules,
            known=known,
        )
        if isinstance(found, Miss):
            if relay is not None and (reach := relay.upstreams.of(route)) is not None:
                return await relay.respond(exchange, asked, reach, injected)
            return await self._miss(exchange, found, injected)
        shelved = self._shelf.take(found, route.pace)
        entry.outcome = shelved.outcome
        if shelved.omitted is not None:
            entry.details["omitted"] = shelved.omitted
        entry.interaction = shelved.name
        if known is None:
            self._drifted(exchange, found, asked, route)
        before = len(shelved.violations)
        if before and found.played == 1:
            entry.violations.extend(told(shelved.violations))
            before = 0
        if shelved.violations and self._judge.refuses(shelved.violations):
            return await exchange.reject(answers.violated(shelved.violations, status=502), known=before)
        if injected is not None:
            return await exchange.deliver(injected.rewritten(shelved.plan), known=before, since=exchange.arrived)
        entry.status = shelved.plan.status
        return await exchange.send(shelved.prepared, known=before, since=exchange.arrived)

    def _drifted(self, exchange: Exchange, hit: Hit, asked: Request, route: Route) -> None:
        """Note what the rules of the route let pass although it changes what is asked."""
        changes = request_drift(hit.interaction.request, asked, route.rules)
        if changes:
            exchange.entry.details["request_drift"] = [
                {"part": part, "pointer": change.pointer, **self._parts.player.shown(change)}
                for part, change in changes
            ]

    async def _dispatch(
        self, exchange: Exchange, asked: Request, live: Live, injected: Injection | None
    ) -> web.StreamResponse:
        entry = exchange.entry
        events = live.follow(asked, session=exchange.session.name)
        if events is not None:
            entry.outcome = Outcome.LIVE
            if injected is not None:
                injected.unapplied("a live stream of events is sent as it is")
            return await exchange.follow(events)
        response = await live.answer(asked, session=exchange.session.name, entry=entry)
        violations = self._judge.response(asked, response, service=live.service)
        if violations:
            entry.violations.extend(told(violations))
            if self._judge.refuses(violations):
                return await exchange.reject(answers.violated(violations, status=502))
        plan = plan_of(response)
        return await exchange.deliver(plan if injected is None else injected.rewritten(plan))

    async def _miss(self, exchange: Exchange, miss: Miss, injected: Injection | None) -> web.StreamResponse:
        path = exchange.target.partition("?")[0]
        if path in _ROOT_CONTROL and path not in self._parts.recorded_paths:
            request = Request(method=exchange.raw.method, uri=f"/__replayer{path}", headers=exchange.headers)
            return await exchange.answer(await self._parts.control.answer(request, session=None), Outcome.LIVE)
        entry = exchange.entry
        entry.outcome = Outcome.MISS
        entry.details["nearest"] = [answers.described(near) for near in miss.nearest]
        response = answers.missed(
            miss,
            method=exchange.raw.method,
            target=entry.target,
            status=self._parts.miss_status,
            more=unnamed(self._parts.relay),
        )
        plan = plan_of(response)
        return await exchange.deliver(plan if injected is None else injected.rewritten(plan))
