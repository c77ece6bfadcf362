"""The gateway: takes requests from a listener, and gives each its session, its journal entry and its way.

The rule: an entry is opened before anything happens and completed when all of it has, so that a hanging stream is
visible; and an error, even a defect of ours, is an answer and never a traceback.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from replayer.cassette.model import Request, Response
from replayer.errors import ReplayerError, UsageError
from replayer.faults.pacing import plan_of
from replayer.gateway import answers
from replayer.gateway.connect import Connector
from replayer.gateway.door import FRONT, Door
from replayer.gateway.exchange import Exchange, Parts
from replayer.gateway.head import Head, Heads
from replayer.gateway.http import Answering, Delivered, deliver, raising
from replayer.gateway.prepared import prepare
from replayer.gateway.refusal import refusal
from replayer.gateway.respond import Responder
from replayer.gateway.session import DEFAULT, Session
from replayer.journal import Outcome

__all__ = ["Gateway"]

_LEFT = "left before the end"
_MAX_WHY = 300
_MAX_ASKED = 4 * 1024 * 1024
"""Bytes of what control is asked."""


class Gateway:
    """Answers requests; `handle` is what a listener calls.

    What needs no waiting is answered in that call: one coroutine in another is what most of a hit would cost.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._journal = parts.journal
        self._heads = self._new_heads()
        self._responder = Responder(parts)
        self._connector = Connector(parts)

    def handle(self, raw: web.BaseRequest, *, door: Door = FRONT) -> Answering:
        """One request; its answer is out when what is returned has been awaited."""
        try:
            head = self._heads.of(raw, door)
            if head.control:
                return self._control(raw, head)
            session = self._parts.sessions.get(head.session)
        except UsageError as error:
            return self._refuse(raw, str(error))
        exchange = self._exchange(raw, head, session)
        if head.websocket:
            return self._journalled(exchange, self._connector.connect(exchange))
        try:
            answering = self._responder.respond(exchange)
        except Exception as error:
            answering = raising(error)
        if isinstance(answering, Delivered):
            self._journal.complete(exchange.entry)
            return answering
        return self._journalled(exchange, answering)

    def unreadable(self, status: int, why: str) -> Response:
        """Something came that is no request: it stands in the journal, and this is the answer."""
        entry = self._journal.open("http", session=DEFAULT)
        entry.outcome, entry.status = Outcome.REFUSED, status
        why = self._parts.redact(why)[:_MAX_WHY]
        entry.note("unreadable", why)
        self._journal.complete(entry)
        return answers.refused("not-http", why, status=status, title="This is not a request that can be read")

    def replaced(self) -> None:
        """What is played was replaced: what was made ready of it is forgotten."""
        self._heads = self._new_heads()
        self._responder.forget()

    def _new_heads(self) -> Heads:
        lengths = any("content-length" in rules.match_headers for rules in self._parts.routes.rules())
        return Heads(self._parts.redact, lengths=lengths)

    def _exchange(self, raw: web.BaseRequest, head: Head, session: Session) -> Exchange:
        session.requests += 1
        entry = self._journal.open(
            "websocket" if head.websocket else "http", session=session.name, method=head.method, target=head.shown
        )
        return Exchange(
            raw=raw,
            head=head,
            session=session,
            entry=entry,
            judged=self._parts.judge.judges,
            arrived=asyncio.get_running_loop().time(),
        )

    async def _journalled(self, exchange: Exchange, answering: Answering) -> web.StreamResponse:
        """Answer to the end; whatever happens, the entry is completed."""
        entry = exchange.entry
        session = exchange.session
        session.under_way += 1
        try:
            return await answering
        except ConnectionError:
            entry.note("client", _LEFT)
            return Delivered(keep_alive=False)
        except web.HTTPException as refusal:
            entry.outcome, entry.status = Outcome.REFUSED, refusal.status
            raise
        except Exception as error:
            entry.note("defect", f"{type(error).__name__}: {error}")
            return await exchange.fail(answers.failed(error))
        except BaseException:
            # Cancelled: the client left, or the gateway stops.
            entry.note("client", _LEFT)
            raise
        finally:
            session.under_way -= 1
            if entry.kind == "websocket":  # may have been open for longer than sessions may be idle
                self._parts.sessions.left(session)
            if exchange.spool is not None:
                exchange.spool.close()
            self._journal.complete(entry)

    async def _control(self, raw: web.BaseRequest, head: Head) -> web.StreamResponse:
        try:
            body = await self._parts.intake.body(raw, most=_MAX_ASKED) if raw.can_read_body else b""
            assert isinstance(body, bytes)  # what is so small is held
            request = Request(method=head.method, uri=head.target, headers=head.headers, body=body or None)
            response = await self._parts.control.answer(request, session=head.session)
        except ReplayerError as error:
            response = refusal(error, cassettes=())
        except Exception as error:
            response = answers.failed(error)
        return await deliver(prepare(plan_of(response)), raw)

    async def _refuse(self, raw: web.BaseRequest, detail: str) -> web.StreamResponse:
        """A request whose session cannot be told is refused in the default one."""
        session = self._parts.sessions.get(DEFAULT)
        exchange = self._exchange(raw, self._heads.unread(raw), session)
        try:
            return await exchange.refuse(answers.refused("bad-header", detail))
        finally:
            exchange.entry.outcome = Outcome.REFUSED
            self._journal.complete(exchange.entry)
