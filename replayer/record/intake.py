"""A body as it passes: decoded, redacted, counted; out come the pieces that may be written.

The rule: bytes that have been given out hold no secret. A body over the limit is only counted and hashed from there
on (`omitted`). A body that does not decode as its header says is kept as far as it did.
"""

from __future__ import annotations

import hashlib

from replayer.cassette.model import Omitted
from replayer.record.decode import DecodeError, Decoder, decoder
from replayer.record.events import ResponseChunk
from replayer.redact.stream import BodyRedactor, Piece

__all__ = ["Intake"]


class Intake:
    """One body. `encoding` is the content-encoding on the wire, or None."""

    def __init__(self, stream: BodyRedactor, encoding: str | None, *, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._times: list[float] = []
        self._given = 0  # number of the first chunk whose time is still needed
        self._size = 0
        self._hash = hashlib.sha256()
        self._decoder: Decoder | None = None
        self.encoding: str | None = None
        """What is undone here; None where the body stays as it is."""
        self.broken: str | None = None
        """Why the body is not whole, or not decoded."""
        if encoding:
            try:
                self._decoder = decoder(encoding)
                self.encoding = encoding
            except DecodeError as error:
                self.broken = f"{error}; the body is kept as it was on the wire"

    @property
    def is_over(self) -> bool:
        """Whether the limit is passed."""
        return self._size > self._limit

    @property
    def omitted(self) -> Omitted | None:
        """What stands for a body over the limit."""
        if not self.is_over:
            return None
        return Omitted(bytes=self._size, sha256=self._hash.hexdigest())

    def feed(self, data: bytes, at: float) -> list[ResponseChunk]:
        """A chunk came at `at` ms: the pieces that are decided now, of this chunk or of earlier ones."""
        data = self._decoded(data)
        if not data:
            return []
        self._size += len(data)
        self._hash.update(data)
        if self.is_over:
            return []
        self._times.append(at)
        return self._timed(self._stream.feed(data))

    def finish(self) -> list[ResponseChunk]:
        """The body is over."""
        return self._timed(self._stream.finish())

    @property
    def replaced(self) -> int:
        """Secrets taken out."""
        return self._stream.replaced

    def _decoded(self, data: bytes) -> bytes:
        if self._decoder is None:
            return data
        if self.broken:
            return b""
        try:
            return self._decoder.feed(data)
        except DecodeError as error:
            self.broken = f"the body is not what its content-encoding {self.encoding!r} says: {error}"
            return b""

    def _timed(self, pieces: list[Piece]) -> list[ResponseChunk]:
        timed = [
            ResponseChunk(chunk=piece.chunk, at=self._times[piece.chunk - self._given], data=piece.data)
            for piece in pieces
        ]
        if pieces:
            # Times of chunks before the last piece are not asked for again.
            del self._times[: pieces[-1].chunk - self._given]
            self._given = pieces[-1].chunk
        return timed
