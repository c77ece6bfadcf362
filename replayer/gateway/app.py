"""The gateway: takes requests from a listener, and gives each its session, its journal entry and its way.

The rule: an entry is opened before anything happens and completed when all of it has, so that a hanging stream is
visible; and an error, even a defect of ours, is an answer and never a traceback.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiohttp import web

from replayer.cassette.model import Headers, Request, Response
from replayer.errors import ReplayerError, UsageError
from replayer.faults.pacing import plan_of
from replayer.gateway import answers
from replayer.gateway.connect import Connector
from replayer.gateway.door import FRONT, Door
from replayer.gateway.exchange import Exchange, Parts
from replayer.gateway.headers import Ours, split_headers
from replayer.gateway.http import Delivered, deliver
from replayer.gateway.prepared import prepare
from replayer.gateway.refusal import refusal
from replayer.gateway.respond import Responder
from replayer.gateway.session import DEFAULT, Session, split_session
from replayer.journal import Outcome
from replayer.match.target import host_of

__all__ = ["Gateway"]

CONTROL = "/__replayer/"
_LEFT = "left before the end"
_MAX_WHY = 300
_MAX_ASKED = 4 * 1024 * 1024
"""Bytes of what control is asked."""


class Gateway:
    """Answers requests; `handle` is what a listener calls."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._journal = parts.journal
        self._responder = Responder(parts)
        self._connector = Connector(parts)

    async def handle(self, raw: web.BaseRequest, *, door: Door = FRONT) -> web.StreamResponse:
        """One request, to its end."""
        target = raw.raw_path
        if target[:1] != "/":
            target = raw.rel_url.raw_path_qs  # the absolute form that proxies are sent (RFC 9112, 3.2.2)
            if door.proxied:
                door = replace(door, host=host_of(raw.raw_path))
        headers: Headers = tuple(raw.headers.items())
        named = None
        try:
            if target.startswith(CONTROL):
                named, target = split_session(target)
            if target.startswith(CONTROL):
                return await self._control(raw, target, headers, named)
            headers, ours, telling = split_headers(headers)
            if door is not FRONT:
                ours = door.of(ours)
            session = self._parts.sessions.get(ours.session or named)
        except UsageError as error:
            return await self._refuse(raw, target, str(error))
        exchange = self._exchange(raw, target, headers, session, ours, telling)
        session.under_way += 1
        try:
            return await self._journalled(exchange)
        finally:
            session.under_way -= 1
            if exchange.entry.kind == "websocket":  # may have been open for longer than sessions may be idle
                self._parts.sessions.left(session)

    def unreadable(self, status: int, why: str) -> Response:
        """Something came that is no request: it stands in the journal, and this is the answer."""
        entry = self._journal.open("http", session=DEFAULT)
        entry.outcome, entry.status = Outcome.REFUSED, status
        entry.details["unreadable"] = why = self._parts.redact(why)[:_MAX_WHY]
        self._journal.complete(entry)
        return answers.refused("not-http", why, status=status, title="This is not a request that can be read")

    def replaced(self) -> None:
        """What is played was replaced: what was made ready of it is forgotten."""
        self._responder.forget()

    def _exchange(
        self,
        raw: web.BaseRequest,
        target: str,
        headers: Headers,
        session: Session,
        ours: Ours,
        telling: Headers = (),
    ) -> Exchange:
        session.requests += 1
        socket = raw.headers.get("Upgrade", "").lower() == "websocket"
        entry = self._journal.open(
            "websocket" if socket else "http",
            session=session.name,
            method=raw.method,
            target=self._parts.redact(target),
        )
        return Exchange(
            raw=raw,
            headers=headers,
            target=target,
            session=session,
            entry=entry,
            ours=ours,
            telling=telling,
            judged=self._parts.judge.judges,
            arrived=asyncio.get_running_loop().time(),
        )

    async def _journalled(self, exchange: Exchange) -> web.StreamResponse:
        """Answer; whatever happens, the entry is completed."""
        entry = exchange.entry
        try:
            if entry.kind == "websocket":
                return await self._connector.connect(exchange)
            return await self._responder.respond(exchange)
        except ConnectionError:
            entry.details["client"] = _LEFT
            return Delivered(keep_alive=False)
        except web.HTTPException as refusal:
            entry.outcome, entry.status = Outcome.REFUSED, refusal.status
            raise
        except Exception as error:
            entry.details["defect"] = f"{type(error).__name__}: {error}"
            return await exchange.fail(answers.failed(error))
        except BaseException:
            # Cancelled: the client left, or the gateway stops.
            entry.details["client"] = _LEFT
            raise
        finally:
            if exchange.spool is not None:
                exchange.spool.close()
            self._journal.complete(entry)

    async def _control(
        self, raw: web.BaseRequest, target: str, headers: Headers, session: str | None
    ) -> web.StreamResponse:
        try:
            body = await self._parts.intake.body(raw, most=_MAX_ASKED) if raw.can_read_body else b""
            assert isinstance(body, bytes)  # what is so small is held
            request = Request(method=raw.method, uri=target, headers=headers, body=body or None)
            response = await self._parts.control.answer(request, session=session)
        except ReplayerError as error:
            response = refusal(error, cassettes=())
        except Exception as error:
            response = answers.failed(error)
        return await deliver(prepare(plan_of(response)), raw)

    async def _refuse(self, raw: web.BaseRequest, target: str, detail: str) -> web.StreamResponse:
        """A request whose session cannot be told is refused in the default one."""
        session = self._parts.sessions.get(DEFAULT)
        exchange = self._exchange(raw, target, (), session, Ours())
        try:
            return await exchange.refuse(answers.refused("bad-header", detail))
        finally:
            exchange.entry.outcome = Outcome.REFUSED
            self._journal.complete(exchange.entry)
