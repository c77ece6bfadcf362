"""Responding: the way of one HTTP request from its body to its last byte.

The rule is the order: everything that can be refused is understood first; then request contract, faults, source,
response contract, delivery. Nothing is consumed before.
"""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from replayer.cassette.model import Request
from replayer.contract.message import Spoken
from replayer.errors import ReplayerError
from replayer.faults.pacing import plan_of
from replayer.gateway import answers
from replayer.gateway.exchange import Exchange, Parts
from replayer.gateway.head import Head
from replayer.gateway.http import Answering
from replayer.gateway.inject import Injection, injection
from replayer.gateway.judge import told
from replayer.gateway.narrow import narrowed
from replayer.gateway.ports import Live
from replayer.gateway.refusal import refusal
from replayer.gateway.relay import unnamed
from replayer.gateway.routes import Route
from replayer.gateway.shelf import Shelf, Shelved
from replayer.gateway.unstored import as_recorded
from replayer.journal import Outcome
from replayer.match.index import Known
from replayer.match.leading import led
from replayer.match.player import Hit, Miss
from replayer.match.requestdrift import header_drift, request_drift

__all__ = ["Responder"]

_ROOT_CONTROL = frozenset({"/health", "/ready"})
"""Control routes that answer at the root too, where nothing else has that path."""


class Responder:
    """Answers HTTP requests, one after the other or side by side."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._judge = parts.judge
        self._shelf = Shelf(parts.judge.recorded, miss_status=parts.miss_status)

    def respond(self, exchange: Exchange) -> Answering:
        """Answer one request: at once where nothing has to be waited for. ConnectionError where the client left before
        the end, from here or from what is returned.
        """
        body = self._parts.intake.ready(exchange.raw)
        return self._taken_in(exchange) if body is None else self._respond(exchange, body)

    async def _taken_in(self, exchange: Exchange) -> web.StreamResponse:
        """Answer once the body is there."""
        try:
            taken = await self._parts.intake.body(exchange.raw)
        except ReplayerError as error:
            return await exchange.refuse(refusal(error, cassettes=self._parts.cassettes))
        body, exchange.spool = (taken, None) if isinstance(taken, bytes) else (b"", taken)
        return await self._respond(exchange, body)

    def _respond(self, exchange: Exchange, body: bytes) -> Answering:
        ours = exchange.head.ours
        try:
            cassettes = narrowed(ours.cassette, self._parts.cassettes, of=exchange.session)
            target, route = self._parts.routes.of(exchange.head.target, ours.upstream, host=ours.host)
            if self._parts.relay is not None:
                self._parts.relay.forbid_faults(exchange)
            injected = injection(exchange, seed=self._parts.seed) if ours.faults else None
        except ReplayerError as error:
            return exchange.refuse(refusal(error, cassettes=self._parts.cassettes))
        spool = exchange.spool
        asked = Request(
            method=exchange.head.method,
            uri=target,
            headers=exchange.head.headers,
            body=body or None,
            omitted=None if spool is None else spool.omitted,
        )
        live = None if self._parts.live is None else self._live(exchange, self._parts.live)
        if live is not None and spool is not None:
            # A worker's job holds all of its payload.
            return exchange.refuse(answers.too_large(self._parts.intake.held))
        spoken = Spoken()
        if live is not None:
            known = None
            violations = self._judge.live_request(asked, spoken, service=live.service)
        else:
            known = self._known(exchange.head, asked, route)
            violations = self._judge.request(asked, service=None, known=known)
        if violations:
            exchange.entry.violations += told(violations)
            if self._judge.refuses(violations):
                return exchange.refuse(answers.violated(violations, status=400))
        if injected is not None and (instead := injected.instead(asked, route.host)) is not None:
            return exchange.deliver(instead)
        if live is not None:
            # A dispatched route is the gateway's own: no base path of an upstream belongs in front of it.
            own = asked if target is exchange.head.target else replace(asked, uri=exchange.head.target)
            return self._dispatch(exchange, own, live, injected, spoken)
        relay = self._parts.relay
        if relay is not None and relay.always and (reach := relay.reach(exchange, route)) is not None:
            return relay.respond(exchange, asked, reach, injected)
        if known is None and self._parts.player.unstored.of(asked.method):
            return self._play_unstored(exchange, asked, route, cassettes, injected)
        return self._play(exchange, asked, asked, route, cassettes, injected, known)

    def _known(self, head: Head, asked: Request, route: Route) -> Known | None:
        """What is kept for a request that is spelled as one was recorded; None for any other."""
        if asked.omitted is not None:
            return None
        if head.known is None:
            head.known = self._parts.player.spelled(asked, route.rules)
        return None if head.known is None else head.known.get(asked.body)

    def forget(self) -> None:
        """What was made ready is no longer what is loaded."""
        self._shelf = Shelf(self._judge.recorded, miss_status=self._parts.miss_status)

    def _live(self, exchange: Exchange, live: Live) -> Live | None:
        """The workers, if one of them answers; whoever names an upstream wants what was recorded from it."""
        path = exchange.head.target.partition("?")[0]
        named = exchange.head.ours.upstream is not None or exchange.head.ours.host is not None
        return None if named or not live.serves(exchange.head.method, path) else live

    async def _play_unstored(
        self,
        exchange: Exchange,
        asked: Request,
        route: Route,
        cassettes: frozenset[str] | None,
        injected: Injection | None,
    ) -> web.StreamResponse:
        """Play where some bodies are known by their digest only. What goes upstream is what came."""
        unstored = self._parts.player.unstored.of(asked.method)
        sought = await as_recorded(asked, exchange.spool or asked.body or b"", unstored)
        return await self._play(exchange, asked, sought, route, cassettes, injected, None)

    def _play(
        self,
        exchange: Exchange,
        asked: Request,
        sought: Request,
        route: Route,
        cassettes: frozenset[str] | None,
        injected: Injection | None,
        known: Known | None,
    ) -> Answering:
        """Play what answers `sought`, which is `asked` as it may have been recorded."""
        entry = exchange.entry
        relay = self._parts.relay
        player = self._parts.player
        found = player.answer(
            sought,
            state=exchange.session.play,
            entry=entry.id,
            cassettes=cassettes,
            host=route.host,
            rules=route.rules,
            known=known,
        )
        if isinstance(found, Miss):
            if relay is not None and (reach := relay.reach(exchange, route)) is not None:
                return relay.respond(exchange, asked, reach, injected)
            return self._miss(exchange, found, injected)
        shelved = self._shelf.take(found, route.pace)
        entry.outcome = shelved.outcome
        if shelved.omitted is not None:
            entry.note("omitted", shelved.omitted)
        entry.interaction = shelved.name
        if known is None or exchange.head.telling or shelved.telling:
            self._drifted(exchange, found, shelved, asked, route, known)
        before = len(shelved.violations)
        if before and found.played == 1:
            entry.violations += told(shelved.violations)
            before = 0
        if shelved.violations and self._judge.refuses(shelved.violations):
            return exchange.reject(answers.violated(shelved.violations, status=502), known=before)
        plan = shelved.plan
        if shelved.leads is not None and (here := exchange.here(asked.uri, route.base)) is not None:
            plan = replace(plan, headers=led(plan.headers, base=shelved.leads + route.base, here=here))
        if injected is not None or plan is not shelved.plan:
            rewritten = plan if injected is None else injected.rewritten(plan)
            return exchange.deliver(rewritten, known=before, since=exchange.arrived)
        entry.status = shelved.plan.status
        return exchange.send(shelved.prepared, known=before, since=exchange.arrived)

    def _drifted(
        self, exchange: Exchange, hit: Hit, shelved: Shelved, asked: Request, route: Route, known: Known | None
    ) -> None:
        """Note what matches although it changes what is asked: the route's rules let it pass, or it is a header."""
        # Of what is spelled as it was recorded the content type is the same.
        headers = asked.headers if known is None else exchange.head.telling
        drift = [] if hit.interaction.response.stub is not None else header_drift(shelved.asked, headers)
        if known is None:
            drift += request_drift(hit.interaction.request, asked, route.rules)
        if drift:
            shown = self._parts.player.shown
            exchange.entry.note(
                "request_drift",
                [{"part": part, "pointer": change.pointer, **shown(change)} for part, change in drift],
            )

    async def _dispatch(
        self, exchange: Exchange, asked: Request, live: Live, injected: Injection | None, spoken: Spoken
    ) -> web.StreamResponse:
        entry = exchange.entry
        events = live.follow(asked, session=exchange.session.name)
        if events is not None:
            entry.outcome = Outcome.LIVE
            if injected is not None:
                injected.unapplied("a live stream of events is sent as it is")
            return await exchange.follow(events)
        response = await live.answer(asked, session=exchange.session.name, entry=entry, spoken=spoken)
        violations = self._judge.response(asked, response, service=live.service, value=spoken.answered)
        if violations:
            entry.violations += told(violations)
            if self._judge.refuses(violations):
                return await exchange.reject(answers.violated(violations, status=502))
        if injected is None:
            return await exchange.whole(response)
        return await exchange.deliver(injected.rewritten(plan_of(response)))

    async def _miss(self, exchange: Exchange, miss: Miss, injected: Injection | None) -> web.StreamResponse:
        path = exchange.head.target.partition("?")[0]
        if path in _ROOT_CONTROL and path not in self._parts.recorded_paths:
            request = Request(method=exchange.head.method, uri=f"/__replayer{path}", headers=exchange.head.headers)
            return await exchange.answer(await self._parts.control.answer(request, session=None), Outcome.LIVE)
        entry = exchange.entry
        entry.outcome = Outcome.MISS
        entry.note("nearest", [answers.described(near) for near in miss.nearest])
        response = answers.missed(
            miss,
            method=exchange.head.method,
            target=entry.target,
            status=self._parts.miss_status,
            more=unnamed(self._parts.relay),
        )
        plan = plan_of(response)
        return await exchange.deliver(plan if injected is None else injected.rewritten(plan))
