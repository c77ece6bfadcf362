"""One body, redacted while it passes: chunks in, redacted pieces of those chunks out.

The rule: a piece that has been given out holds no secret, whatever comes next. So the end of what has arrived is held
back while a secret may be growing there: ordinarily the last word, never more than a few KiB; a token or a JSON string
that grows beyond that is already known to be a secret, is replaced, and the rest of it swallowed. Chunks keep their
number and order; a replacement belongs to the chunk in which the secret begins, so a chunk inside a secret is empty.
"""

from __future__ import annotations

from typing import NamedTuple

from replayer.redact.find import Finder, Growth, Span, string_bytes, token_bytes

__all__ = ["Piece", "StreamRedactor"]

_CONTEXT = 64
"""Bytes before the undecided ones that are kept: what stands before a secret helps to tell where it begins."""


class Piece(NamedTuple):
    """Redacted bytes of the chunk number `chunk` (from 0). A chunk comes in one or more pieces, in order."""

    chunk: int
    data: bytes


class StreamRedactor:
    """Feed it the chunks of one body, then `finish`."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._buffer = b""
        self._start = 0  # where the undecided bytes begin; what stands before is context
        self._edges: list[tuple[int, int]] = []  # number of each undecided chunk, and where it ends in the buffer
        self._chunks = 0
        self._swallowing = Growth.NONE
        self._swallowed_escape = False
        self.replaced = 0
        """Secrets taken out so far."""

    def feed(self, chunk: bytes) -> list[Piece]:
        """What is decided now that `chunk` has come; the rest follows with later chunks."""
        number = self._chunks
        self._chunks += 1
        # Every chunk has a piece, even one that is swallowed whole: its place in the order must not be lost.
        self._buffer += self._swallow(chunk)
        self._edges.append((number, len(self._buffer)))
        spans = self._finder.spans(self._buffer, self._start)
        return [*self._decide(self._limit(spans), spans), *self._cut_long_secret()]

    def finish(self) -> list[Piece]:
        """The body is over: everything that was held back."""
        return self._decide(len(self._buffer), self._finder.spans(self._buffer, self._start))

    def _swallow(self, chunk: bytes) -> bytes:
        """What is left of `chunk` behind a secret that began in an earlier one."""
        if self._swallowing is Growth.NONE or not chunk:
            return chunk
        if self._swallowing is Growth.TOKEN:
            gone = token_bytes(chunk)
        else:
            escaped = b"\\" if self._swallowed_escape else b""
            gone = string_bytes(escaped + chunk) - len(escaped)
            # The chunk may end in half an escape sequence.
            self._swallowed_escape = chunk[gone : gone + 1] == b"\\" and gone + 1 == len(chunk)
            gone += self._swallowed_escape
            gone = max(gone, 0)
        if gone < len(chunk):
            self._swallowing = Growth.NONE
        return chunk[gone:]

    def _limit(self, spans: list[Span]) -> int:
        """Up to where the buffer is decided."""
        buffer = self._buffer
        limit = self._finder.growing_from(buffer, self._start)
        for span in spans:
            if span.start >= limit:
                break
            if span.end > limit or (span.growth is Growth.TOKEN and span.end == len(buffer)):
                whole = span.end < len(buffer) and len(buffer) - span.start > self._finder.longest
                limit = span.end if whole else span.start
        return limit

    def _cut_long_secret(self) -> list[Piece]:
        """Replace a secret that is longer than what may be held back, and swallow the rest of it as it comes."""
        buffer = self._buffer
        if len(buffer) - self._start <= self._finder.longest:
            return []
        spans = self._finder.spans(buffer, self._start)
        if spans and spans[-1].end == len(buffer) and spans[-1].growth is Growth.TOKEN:
            self._swallowing = Growth.TOKEN
            return self._decide(len(buffer), spans)
        opened = self._finder.open_value(buffer, self._start)
        if opened is not None:
            self._swallowing = Growth.STRING
            text = buffer[opened:]
            self._swallowed_escape = string_bytes(text) < len(text)
            spans = [*(span for span in spans if span.end <= opened), Span(opened, len(buffer))]
            return self._decide(len(buffer), spans)
        return self._decide(max(self._start, len(buffer) - self._finder.longest), spans)

    def _decide(self, limit: int, spans: list[Span]) -> list[Piece]:
        """Give out the buffer up to `limit`, with the secrets that end by then replaced."""
        spans = [span for span in spans if span.end <= limit]
        self.replaced += len(spans)
        pieces = []
        at = self._start
        for number, edge in self._edges:
            end = max(at, min(edge, limit))
            pieces.append(Piece(number, self._redacted(at, end, spans)))
            at = end
        kept = max(0, limit - _CONTEXT)
        self._edges = [(number, edge - kept) for number, edge in self._edges if edge > limit]
        self._buffer = self._buffer[kept:]
        self._start = limit - kept
        return [piece for piece in pieces if piece.data or self._is_over(piece.chunk)]

    def _is_over(self, chunk: int) -> bool:
        return not self._edges or chunk < self._edges[0][0]

    def _redacted(self, start: int, end: int, spans: list[Span]) -> bytes:
        """The bytes of `[start, end)` outside of `spans`, and the replacement of each that begins there."""
        parts = []
        at = start
        for span in spans:
            if span.end <= start or span.start >= end:
                continue
            parts.append(self._buffer[at : max(at, span.start)])
            if span.start >= start:
                parts.append(span.replacement)
            at = min(span.end, end)
        parts.append(self._buffer[at:end])
        return b"".join(parts)
