"""A recorded connection, played on a socket.

The rule: the conversation decides whose turn it is, here it is carried out. Server frames go out at the route's pace,
counted from the frame before; the client is listened to meanwhile. A message that was not recorded, or five seconds
without the awaited one, closes with 4424, and the reason and the journal say what was awaited; the client's close is
awaited for as long as it takes. A recorded close closes with its code, a recorded abort (1006) aborts. Messages of both
sides are held against their contract. Faults have rewritten the script of what goes over before the handshake is
answered.
"""

from __future__ import annotations

import asyncio

from aiohttp import WSMessage, WSMsgType, web

from replayer.cassette.model import End, Frame, FrameKind, Sender, header
from replayer.faults.pacing import Pace
from replayer.faults.plan import Wait
from replayer.faults.script import Leave, Piece, Ping, Script, Sliced
from replayer.gateway.acting import Acting, fragments
from replayer.gateway.departed import Teller, reason
from replayer.gateway.exchange import Exchange
from replayer.gateway.frames import Frames, Wrong
from replayer.gateway.prepared import field_value
from replayer.journal import Outcome
from replayer.match.conversation import Conversation, Departure, Message
from replayer.match.player import Hit

__all__ = ["MISMATCH", "STALL_S", "Playing"]

MISMATCH = 4424
"""The close code of a connection that does not go as recorded."""
STALL_S = 5.0
"""Seconds that an awaited client frame may take, beyond those that it took when it was recorded."""
_MAX_MESSAGE = 16 * 1024 * 1024
_ABORTED = 1006
_LEFT = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class _Departed(Exception):
    """The connection does not go as recorded; its text says what was awaited."""


class _Rejected(Exception):
    """A message breaks its contract, and must not go on."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong.reason)
        self.wrong = wrong


class Playing:
    """One connection under way."""

    def __init__(
        self,
        exchange: Exchange,
        hit: Hit,
        conversation: Conversation,
        *,
        script: Script | None,
        pace: Pace,
        teller: Teller,
        frames: Frames,
    ) -> None:
        """`script` is what faults made of the conversation; None where there are none."""
        self._script = None if script is None else Acting(script)
        self._exchange = exchange
        self._frames = frames
        self._response = hit.interaction.response
        self._conversation = conversation
        self._pace = pace
        self._teller = teller
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        """When the turn began: the frame before has gone out, or come."""
        entry = exchange.entry
        entry.outcome, entry.status, entry.interaction = Outcome.HIT, 101, hit.name
        protocol = header(self._response.headers, "sec-websocket-protocol")
        self._socket = web.WebSocketResponse(protocols=(protocol,) if protocol else (), max_msg_size=_MAX_MESSAGE)
        self._socket.headers["Replayer-Outcome"] = Outcome.HIT.value
        self._socket.headers["Replayer-Interaction"] = field_value(hit.name).decode()
        if entry.faults:
            self._socket.headers["Replayer-Faults"] = ", ".join(entry.faults)

    async def to_its_end(self) -> web.StreamResponse:
        """Play. ConnectionError where it ends in an abort, recorded or the client's."""
        for wait in self._script.before if self._script is not None else ():
            await asyncio.sleep(wait.ms / 1000)
        await self._socket.prepare(self._exchange.raw)
        self._began = self._loop.time()
        try:
            while not self._socket.closed and (number := self._conversation.turn) is not None:
                await self._take_turn(self._conversation.frames[number], number)
            await self._after()
        except _Departed as departed:
            self._exchange.entry.note("awaited", str(departed))
            self._exchange.entry.outcome = Outcome.MISS
            await self._socket.close(code=MISMATCH, message=reason(str(departed)))
        except _Rejected as rejected:
            self._exchange.entry.outcome = Outcome.REFUSED
            await self._socket.close(code=rejected.wrong.code, message=reason(rejected.wrong.reason))
        finally:
            self._frames.end()
        return self._socket

    async def _take_turn(self, frame: Frame, number: int) -> None:
        """Send a server frame when it is due, or hear the client until its turn is over."""
        due = self._began + self._gap(frame, number)
        if frame.sender is Sender.CLIENT:
            closing = frame.kind is FrameKind.CLOSE
            message = await self._receive(None if closing else due + STALL_S)
            if message is None:
                raise _Departed(f"frame {number}: {STALL_S:g} s without {self._teller.awaited(frame)}")
            await self._hear(message)
        elif due > self._loop.time() and (message := await self._receive(due)) is not None:
            await self._hear(message)
        else:
            # Not the time it is now: what is late does not make the next one later.
            self._began = due if self._pace.factor else self._loop.time()
            if self._script is None or frame.kind is FrameKind.CLOSE:
                await self._send(frame)
            else:
                for piece in self._script.said(number):
                    await self._carry_out(piece)
            self._conversation.pass_on()

    def _gap(self, frame: Frame, number: int) -> float:
        """Seconds between a frame and the one before, at the pace."""
        if not self._pace.factor:
            return 0.0
        before = self._conversation.frames[number - 1].at if number else 0.0
        return max(0.0, frame.at - before) * self._pace.factor / 1000

    async def _receive(self, until: float | None) -> WSMessage | None:
        """What the client sends until a time of the loop, or None."""
        try:
            async with asyncio.timeout_at(until):
                return await self._socket.receive()
        except TimeoutError:
            return None

    async def _hear(self, message: WSMessage) -> None:
        """A message, or the end, of the client."""
        if self._script is None or message.type in _LEFT:
            self._take(message)
            return
        for piece in self._script.heard(message):
            if isinstance(piece, Wait):
                await asyncio.sleep(piece.ms / 1000)
            elif isinstance(piece, Leave):
                await self._leave(piece)
            else:
                self._take(piece)

    def _take(self, message: WSMessage) -> None:
        turn = self._conversation.turn
        if message.type in _LEFT:
            frame = None if turn is None else self._conversation.frames[turn]
            if frame is not None and frame.sender is Sender.CLIENT and frame.kind is not FrameKind.CLOSE:
                left = f"the client sent {message.data}" if message.type is WSMsgType.ERROR else "the client left"
                raise _Departed(f"frame {turn}: awaited {self._teller.awaited(frame)}, {left}")
            return
        self._judge(Sender.CLIENT, message.data)
        departure = self._conversation.hear(message.data)
        if departure is not None:
            raise self._departed(departure, message.data)
        if self._conversation.turn != turn:
            self._began = self._loop.time()

    def _departed(self, departure: Departure, message: Message) -> _Departed:
        nearest = None if departure.number is None else self._conversation.frames[departure.number]
        entry = self._exchange.entry
        differed = self._teller.near(departure, nearest, message)
        near = {"interaction": entry.interaction, "frame": departure.number, "differed": differed}
        entry.note("nearest", [near])
        return _Departed(self._teller.text(departure, nearest, message))

    def _judge(self, sender: Sender, payload: str | bytes) -> None:
        wrong = self._frames.hear(sender, payload)
        if wrong is not None:
            raise _Rejected(wrong)

    async def _send(self, frame: Frame) -> None:
        if frame.kind is not FrameKind.CLOSE:
            self._judge(Sender.SERVER, frame.text if frame.kind is FrameKind.TEXT else frame.data)
        if frame.kind is FrameKind.TEXT:
            await self._socket.send_str(frame.text)
        elif frame.kind is FrameKind.BINARY:
            await self._socket.send_bytes(frame.data)
        elif frame.code == _ABORTED:
            self._abort()
        else:
            await self._socket.close(code=frame.code or 1000, message=reason(frame.text))

    async def _carry_out(self, piece: Piece) -> None:
        """One piece of what the server has to say."""
        if self._socket.closed:
            return
        if isinstance(piece, Wait):
            self._began = until = self._loop.time() + piece.ms / 1000
            while not self._socket.closed and (message := await self._receive(until)) is not None:
                await self._hear(message)
            self._began = max(self._began, until)
        elif isinstance(piece, Frame):
            await self._send(piece)
        elif isinstance(piece, Sliced):
            for at, fragment in enumerate(fragments(piece)):
                if at and piece.ms:
                    await self._carry_out(Wait(piece.ms))
                await self._write(fragment)
        elif isinstance(piece, Ping):
            await self._socket.ping()
        elif isinstance(piece, Leave):
            await self._leave(piece)

    async def _write(self, data: bytes) -> None:
        transport = self._exchange.raw.transport
        if transport is not None and not self._socket.closed:
            transport.write(data)
            await self._exchange.raw.writer.drain()

    async def _leave(self, how: Leave) -> None:
        if how is Leave.ABRUPT:
            self._abort()
        await self._socket.close(code=1000)

    async def _after(self) -> None:
        """Nothing more is recorded. An upstream that was lost is lost again; else the client closes."""
        if not self._socket.closed and self._response.end is End.UPSTREAM_LOST:
            self._abort()
        while not self._socket.closed:
            await self._hear(await self._socket.receive())

    def _abort(self) -> None:
        transport = self._exchange.raw.transport
        if transport is not None:
            transport.abort()
        raise ConnectionResetError("aborted, as recorded")
