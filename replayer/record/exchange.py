"""One exchange under way: what passes on the wire goes in, redacted events go to its log.

The rule: everything is redacted before it reaches the log, which may be the disk. It touches neither the socket nor
the client's bytes: whoever relays them calls this beside. An exchange that streams is spooled from its second chunk
on, a WebSocket connection from its first frame, any other when it has lasted a moment.
"""

from __future__ import annotations

from replayer.cassette.model import End, Frame, FrameKind, Headers, Interaction, Sender
from replayer.clock import Clock
from replayer.record.assemble import assemble, stored_headers
from replayer.record.decode import DecodeError, decoder
from replayer.record.events import Ended, RequestChunk, RequestHead, ResponseHead
from replayer.record.intake import Intake
from replayer.record.spool import EventLog
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
        self.uri = redactor.uri(uri)
        """Redacted: fit to be shown."""
        self.relay = ""
        """What the gateway in front calls it; empty where there is none."""
        self.status: int | None = None
        self.bytes = 0
        """Of the answer, on the wire; of a connection's messages, both ways."""
        self.frames = 0
        self.redacted = 0
        """Secrets taken out of bodies and frames; fields that are always secret are not counted."""
        self.broken: str | None = None
        """Why what is stored is not all that passed, if it is not."""
        self._intake: Intake | None = None
        self._chunks = 0
        self._upgraded: float | None = None
        encoding = _known_encoding(headers)
        head = RequestHead(
            at=round(at, 3),
            method=method,
            uri=self.uri,
            headers=redactor.headers(stored_headers(headers, encoding=encoding)),
        )
        self._asked = redactor.stream()
        self._asked_decoder = decoder(encoding) if encoding else None
        log.add(head, 256)

    def request_chunk(self, data: bytes) -> None:
        """A piece of the request's body."""
        if self._asked_decoder is not None:
            try:
                data = self._asked_decoder.feed(data)
            except DecodeError as error:
                self.broken = f"the request's body is not what its content-encoding says: {error}"
                data = b""
        if data:
            self._add_sent(b"".join(piece.data for piece in self._asked.feed(data)))

    def request_end(self) -> None:
        """The request is whole."""
        self._add_sent(b"".join(piece.data for piece in self._asked.finish()))

    def response_head(self, status: int, reason: str, headers: Headers) -> None:
        """The answer begins."""
        self.status = status
        self._intake = Intake(self._redactor.stream(), _named_encoding(headers), limit=self._max_body)
        kept = self._redactor.headers(stored_headers(headers, encoding=self._intake.encoding))
        self._log.add(ResponseHead(status=status, reason=reason, headers=kept, encoding=self._intake.encoding), 256)

    def response_chunk(self, data: bytes) -> None:
        """A piece of the answer's body, as it came."""
        if self._intake is None or not data:
            return
        self.bytes += len(data)
        self._chunks += 1
        for piece in self._intake.feed(data, self._ms()):
            self._log.add(piece, len(piece.data))
        if self._chunks > 1:
            self._log.spill()

    def upgraded(self) -> None:
        """The 101 has passed: frames are timed from here."""
        self._upgraded = self._clock.ms()
        self._log.spill()

    def message(self, sender: Sender, kind: FrameKind, payload: bytes) -> None:
        """A whole WebSocket message."""
        data = self._redactor.body(payload)
        self.frames += 1
        self.bytes += len(payload)
        self.redacted += data != payload
        text = data.decode("utf-8", "replace") if kind is FrameKind.TEXT else ""
        self._frame(sender, kind, text=text, data=b"" if kind is FrameKind.TEXT else data)

    def closed(self, sender: Sender, code: int, reason: str) -> None:
        """The connection was closed, or (code 1006) aborted."""
        self._frame(sender, FrameKind.CLOSE, text=self._redactor.text(reason), code=code)

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

    def finish(self, end: End) -> Interaction | None:
        """It is over; what it was, or None where no answer had begun. `discard` it once that is written."""
        self._add_sent(b"".join(piece.data for piece in self._asked.finish()))
        omitted = None
        self.redacted += self._asked.replaced
        if self._intake is not None:
            for piece in self._intake.finish():
                self._log.add(piece, len(piece.data))
            omitted = self._intake.omitted
            self.redacted += self._intake.replaced
            self.broken = self.broken or self._intake.broken
        self._log.add(Ended(end=end, omitted=omitted))
        return assemble(self._log.events())

    def discard(self) -> None:
        """Its place in the spool is free."""
        self._log.discard()

    def _add_sent(self, data: bytes) -> None:
        if data:
            self._log.add(RequestChunk(data=data), len(data))

    def _frame(self, sender: Sender, kind: FrameKind, *, text: str = "", data: bytes = b"", code: int = 0) -> None:
        at = 0.0 if self._upgraded is None else round(self._clock.ms() - self._upgraded, 3)
        self._log.add(Frame(at=at, sender=sender, kind=kind, text=text, data=data, code=code), len(data) + len(text))

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
