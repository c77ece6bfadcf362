"""The queue's end of the run: it listens, hears everything, and judges every frame.

Every frame is held against the contract and the order of the protocol. It hands out nothing by itself, and waits for
nothing: see `bench`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from aiohttp import WSMsgType, web

from replayer.cassette.model import FrameKind, Sender
from replayer.clock import Clock
from replayer.contract.validate import Contract
from replayer.contract.violation import Severity, Violation
from replayer.dispatch.messages import Drain, Job, Malformed, Register
from replayer.dispatch.wire import parse
from replayer.worker.check.ledger import Given, Ledger
from replayer.worker.check.peer import Peer

__all__ = ["QueueEnd"]

Found = TypeVar("Found")

_MOST = 16 * 1024 * 1024
"""Bytes of the largest message that a worker may send."""
_BASE = "/replayer-check"


class QueueEnd:
    """Where the worker connects."""

    def __init__(self, *, clock: Clock, contract: Contract) -> None:
        self.clock = clock
        self.ledger = Ledger()
        self.peers: list[Peer] = []
        """Every connection that there was, in its order."""
        self.refusals = 0
        """Handshakes still to be refused."""
        self.refused = 0
        self.wrong_order: list[str] = []
        """Messages that broke the order of the protocol, in words."""
        self.wrong_frames: list[str] = []
        """Frames that broke their schema, or are none."""
        self.contract = contract
        self._offers: dict[str, tuple[str, bytes | None]] = {}
        self._changed = asyncio.Event()
        self._runner: web.ServerRunner | None = None
        self._host = "127.0.0.1"
        self._port = 0

    @property
    def url(self) -> str:
        """CASOLA_WS_URL; it has a base path and a slash at its end, as it may in production."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._host, self._host)
        return f"ws://{host}:{self._port}{_BASE}/"

    @property
    def serving(self) -> Peer | None:
        """The newest connection, if it is open and registered."""
        peer = self.peers[-1] if self.peers else None
        return peer if peer is not None and peer.is_open and peer.registered is not None else None

    async def open(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen. Raises OSError."""
        self._runner = web.ServerRunner(
            web.Server(self._handle, handler_cancellation=True, access_log=None), shutdown_timeout=0.2
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self._host = host
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Cut every connection, and listen no more."""
        for peer in self.peers:
            if peer.is_open:
                peer.abort()
        if self._runner is not None:
            await self._runner.cleanup()

    async def until(self, look: Callable[[], Found | None], seconds: float) -> Found | None:
        """What `look` finds, as soon as it finds something; None where it does not in time."""
        try:
            async with asyncio.timeout(seconds):
                while (found := look()) is None:
                    await self._changed.wait()
                return found
        except TimeoutError:
            return look()

    def note(self, job: Job) -> Given:
        """A job is on its way to the worker, however it is sent."""
        return self.ledger.give(job, self.clock.ms())

    def offered(self, job: Job, peer: Peer, payload: bytes | None) -> Job:
        """The job with its payload elsewhere; None: a URL that answers 500."""
        return replace(job, payload_url=self._offer(job, peer, "payload", payload))

    def uploadable(self, job: Job, peer: Peer) -> Job:
        """The job with a place for its result."""
        return replace(job, result_upload_url=self._offer(job, peer, "result", None))

    def _offer(self, job: Job, peer: Peer, what: str, payload: bytes | None) -> str:
        token = secrets.token_urlsafe(24)
        self._offers[token] = (job.job_id, payload)
        return f"http://{peer.host}{_BASE}/{what}/{token}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._connect(request)
        token = request.path.rpartition("/")[2]
        job_id, payload = self._offers.get(token, ("", None))
        given = self.ledger.given.get(job_id)
        if given is not None and request.method == "GET" and "/payload/" in request.path:
            given.fetched = True
            self.notify()
            if payload is None:
                return web.Response(status=500)
            return web.Response(body=payload, content_type="application/json")
        if given is not None and request.method == "PUT" and "/result/" in request.path:
            given.uploaded = b"".join([chunk async for chunk in request.content.iter_any()])
            self.notify()
            return web.Response(status=200)
        return web.json_response({"detail": "Not Found"}, status=404)

    async def _connect(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.refusals:
            self.refusals -= 1
            self.refused += 1
            self.notify()
            return web.Response(status=503)
        websocket = web.WebSocketResponse(timeout=1.0, autoping=False, compress=True, max_msg_size=_MOST)
        await websocket.prepare(request)
        peer = Peer(len(self.peers) + 1, request, websocket, self.clock)
        self.peers.append(peer)
        self.notify()
        try:
            async for message in websocket:
                if message.type is WSMsgType.TEXT:
                    self._hear(peer, message.data)
                elif message.type is WSMsgType.BINARY:
                    self._object(peer, "a binary frame", "every message is JSON in a text frame", FrameKind.BINARY)
                elif message.type is WSMsgType.PING:
                    await websocket.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    peer.pongs += 1
                self.notify()
        finally:
            peer.close_code = websocket.close_code or 1006
            peer.note(Sender.CLIENT, str(peer.close_code), FrameKind.CLOSE)
            self.notify()
        return websocket

    def _hear(self, peer: Peer, text: str) -> None:
        now = self.clock.ms()
        message = parse(text)
        if isinstance(message, Malformed):
            self._object(peer, text, message.why, FrameKind.TEXT)
            return
        peer.first = peer.first or message.type
        if isinstance(message, Register):
            peer.registered = message
        elif isinstance(message, Drain):
            peer.drained_at = now
        broken = self.ledger.hear(peer.number, message, now)
        if broken is not None:
            self.wrong_order.append(f"{message.type}: expected {broken.expected}, got {broken.actual}")
        checked = self.contract.frame("/ws", Sender.CLIENT, text, where="frame", service="casola").violations
        wrong = [violation for violation in checked if violation.severity is Severity.ERROR]
        self.wrong_frames += [_told(violation) for violation in wrong]
        peer.note(Sender.CLIENT, text, broken=bool(broken or wrong))

    def _object(self, peer: Peer, text: str, why: str, kind: FrameKind) -> None:
        peer.first = peer.first or text[:80]
        self.wrong_frames.append(f"{text[:120]}: {why}")
        peer.note(Sender.CLIENT, text, kind, broken=True)

    def notify(self) -> None:
        """Something has happened: whoever waits looks again."""
        self._changed.set()
        self._changed = asyncio.Event()


def _told(violation: Violation) -> str:
    return f"{violation.pointer or '/'}: expected {violation.expected}, got {violation.actual} ({violation.schema})"
