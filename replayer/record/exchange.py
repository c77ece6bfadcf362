"""One exchange under way: what passes on the wire goes in, redacted events go to its log.

The rule: everything is redacted before it reaches the log, which may be the disk. It touches neither the socket nor
the client's bytes: whoever relays them calls this beside. An exchange that streams is spooled from its second chunk
on, a WebSocket connection from its first frame, any other when it has lasted a moment.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from replayer.cassette.long import LongInteraction
from replayer.cassette.model import End, Frame, FrameKind, Headers, Interaction, Omitted, Sender, header
from replayer.clock import Clock
from replayer.record.assemble import assemble, assemble_long, stored_headers
from replayer.record.decode import DecodeError, decoder
from replayer.record.events import Ended, RequestChunk, RequestHead, ResponseChunk, ResponseHead
from replayer.record.intake import Intake
from replayer.record.spool import EventLog
from replayer.redact.conversation import Released
from replayer.redact.documents import apply
from replayer.redact.redactor import Redactor

__all__ = ["Exchange"]


class Exchange:
    """From the request's head to `finish`. Times of chunks count from its making."""

    def __init__(
        self,
        *,
        upstream: str,
        method: str,
        uri: str,
        headers: Headers,
        at: float,
        clock: Clock,
        redactor: Redactor,
        log: EventLog,
        max_body: int,
    ) -> None:
        self._clock = clock
        self._redactor = redactor
        self._log = log
        self._max_body = max_body
        self.begun = clock.ms()
        self.upstream = upstream
        self.method = method
        self.session = (header(headers, "replayer-session") or "")[:200]
        """What `Replayer-Session` named."""
        self.uri = redactor.uri(uri)
        """Redacted: fit to be shown."""
        self.relay = ""
        """What the gateway in front calls it; empty where there is none."""
        self.promised: Omitted | None = None
        """What the request's body is, where the gateway in front says so: the upstream may not want all of it."""
        self.status: int | None = None
        self.bytes = 0
        """Of the answer, on the wire; of a connection's messages, both ways."""
        self.frames = 0
        self.redacted = 0
        """Secrets taken out of bodies and frames; fields that are always secret are not counted."""
        self.broken: str | None = None
        """Why what is stored is not all that passed, if it is not."""
        self._intake: Intake | None = None
        self._whole = False
        self._in_turn = False  # whether the answer came when the request was whole: then its body stands alone
        self._chunks = 0
        self._upgraded: float | None = None
        self._talk = redactor.conversation()
        self._said: deque[Frame] = deque()  # frames that the conversation has not yet released
        encoding = _known_encoding(headers)
        self._asked = Intake(redactor.stream(header(headers, "content-type")), encoding, limit=max_body)
        head = RequestHead(
            at=round(at, 3),
            method=method,
            uri=self.uri,
            headers=redactor.headers(stored_headers(headers, encoding=encoding)),
            session=self.session,
        )
        log.add(head, 256)
        log.stay()

    def request_chunk(self, data: bytes) -> None:
        """A piece of the request's body."""
        was_over = self._asked.is_over
        self._add_sent(self._asked.feed(data, 0.0))
        if self._asked.is_over and not was_over and self._intake is None:
            self._log.forget()

    def request_end(self) -> None:
        """The request is whole."""
        self._whole = True
        self._add_sent(self._asked.finish())

    def response_head(self, status: int, reason: str, headers: Headers) -> None:
        """The answer begins."""
        self.status = status
        stream = self._redactor.stream(header(headers, "content-type"))
        self._intake = Intake(stream, _named_encoding(headers), limit=self._max_body)
        kept = self._redactor.headers(stored_headers(headers, encoding=self._intake.encoding))
        self._log.add(ResponseHead(status=status, reason=reason, headers=kept, encoding=self._intake.encoding), 256)
        self._log.stay()
        self._in_turn = self._whole

    def response_chunk(self, data: bytes) -> None:
        """A piece of the answer's body, as it came."""
        if self._intake is None or not data:
            return
        self.bytes += len(data)
        self._chunks += 1
        was_over = self._intake.is_over
        for piece in self._intake.feed(data, self._ms()):
            self._log.add(piece, len(piece.data))
        if self._intake.is_over and not was_over and self._in_turn:
            self._log.forget()
        if self._chunks > 1:
            self._log.spill()

    def upgraded(self) -> None:
        """The 101 has passed: frames are timed from here."""
        self._upgraded = self._clock.ms()
        self._log.spill()

    def message(self, sender: Sender, kind: FrameKind, payload: bytes) -> None:
        """A whole WebSocket message."""
        self.frames += 1
        self.bytes += len(payload)
        self._said.append(Frame(at=self._since_upgrade(), sender=sender, kind=kind, data=payload))
        self._release(self._talk.feed(payload, by=sender))

    def closed(self, sender: Sender, code: int, reason: str) -> None:
        """The connection was closed, or (code 1006) aborted."""
        self._release(self._talk.finish())
        text = self._redactor.text(reason)
        self._log.add(Frame(at=self._since_upgrade(), sender=sender, kind=FrameKind.CLOSE, text=text, code=code), 64)

    def spill(self) -> None:
        """Put what there is on disk, and from now on everything."""
        self._log.spill()

    @property
    def is_websocket(self) -> bool:
        return self._upgraded is not None

    @property
    def duration(self) -> float:
        """Milliseconds so far."""
        return self._ms()

    def finish(self, end: End) -> Interaction | LongInteraction | None:
        """It is over; what it was, or None where no answer had begun. `discard` it once that is written."""
        self._add_sent(self._asked.finish())
        self._release(self._talk.finish())
        omitted = None
        self.redacted += self._asked.replaced + self._talk.replaced
        self.broken = self._asked.broken and f"of the request: {self._asked.broken}"
        if self._intake is not None:
            for piece in self._intake.finish():
                self._log.add(piece, len(piece.data))
            omitted = self._intake.omitted
            self.redacted += self._intake.replaced
            self.broken = self.broken or self._intake.broken
        asked = self._asked.omitted if self._whole or self.promised is None else self.promised
        self._log.add(Ended(end=end, omitted=omitted, request_omitted=asked))
        return assemble_long(self._log.events) if self._log.is_long else assemble(self._log.events())

    def discard(self) -> None:
        """Its place in the spool is free."""
        self._log.discard()

    def _add_sent(self, pieces: list[ResponseChunk]) -> None:
        data = b"".join(piece.data for piece in pieces)
        if data:
            self._log.add(RequestChunk(data=data), len(data))

    def _release(self, released: list[Released]) -> None:
        for _, spans in released:
            frame = self._said.popleft()
            data = apply(frame.data, spans) if spans else frame.data
            if frame.kind is FrameKind.TEXT:
                frame = replace(frame, text=data.decode("utf-8", "replace"), data=b"")
            elif spans:
                frame = replace(frame, data=data)
            self._log.add(frame, len(data))

    def _since_upgrade(self) -> float:
        return 0.0 if self._upgraded is None else round(self._clock.ms() - self._upgraded, 3)

    def _ms(self) -> float:
        return round(self._clock.ms() - self.begun, 3)


def _named_encoding(headers: Headers) -> str | None:
    """The content-encoding, or None where there is none to speak of."""
    named = ", ".join(value for name, value in headers if name.lower() == "content-encoding").strip()
    return None if named.lower() in ("", "identity") else named


def _known_encoding(headers: Headers) -> str | None:
    """The content-encoding, if anybody here can undo it."""
    named = _named_encoding(headers)
    try:
        return named if named and decoder(named) else None
    except DecodeError:
        return None
