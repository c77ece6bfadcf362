"""Bytes that wait, and the chunks that they came in: what is decided is cut back into pieces of those chunks.

The rule: chunks keep their number and order; a replacement belongs to the chunk in which the secret begins, so a chunk
inside a secret is empty, and every chunk has a piece. It decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from replayer.redact.find import Span

__all__ = ["Piece", "Waiting"]


class Piece(NamedTuple):
    """Redacted bytes of the chunk number `chunk` (from 0). A chunk comes in one or more pieces, in order."""

    chunk: int
    data: bytes


class Waiting:
    """`buffer[start:]` is undecided; what stands before is `context` bytes of what was decided."""

    def __init__(self, *, context: int) -> None:
        self._context = context
        self.buffer = b""
        self.start = 0
        self._edges: list[tuple[int, int]] = []  # number of each undecided chunk, and where it ends in the buffer

    def add(self, number: int, data: bytes) -> None:
        """A chunk, or a piece of one, has come."""
        self.buffer += data
        self._edges.append((number, len(self.buffer)))

    def add_all(self, pieces: Sequence[tuple[int, bytes]]) -> None:
        """Several at once: many small chunks are not copied again and again."""
        end = len(self.buffer)
        self.buffer = b"".join([self.buffer, *(data for _, data in pieces)])
        for number, data in pieces:
            end += len(data)
            self._edges.append((number, end))

    def take(self) -> list[tuple[int, bytes]]:
        """The undecided pieces as they came; nothing waits any more."""
        pieces = []
        at = self.start
        for number, edge in self._edges:
            pieces.append((number, self.buffer[at : max(at, edge)]))
            at = max(at, edge)
        self.buffer, self.start, self._edges = b"", 0, []
        return pieces

    @property
    def first(self) -> int | None:
        """The number of the first chunk that is not decided whole."""
        return self._edges[0][0] if self._edges else None

    def decide(self, limit: int, spans: Sequence[Span]) -> list[Piece]:
        """Give out the buffer up to `limit`, with the secrets that end by then replaced."""
        spans = [span for span in spans if span.end <= limit]
        pieces = []
        at = self.start
        for number, edge in self._edges:
            end = max(at, min(edge, limit))
            pieces.append(Piece(number, self._redacted(at, end, spans)))
            at = end
        kept = max(0, limit - self._context)
        self._edges = [(number, edge - kept) for number, edge in self._edges if edge > limit]
        self.buffer = self.buffer[kept:]
        self.start = limit - kept
        return [piece for piece in pieces if piece.data or self._is_over(piece.chunk)]

    def _is_over(self, chunk: int) -> bool:
        return not self._edges or chunk < self._edges[0][0]

    def _redacted(self, start: int, end: int, spans: Sequence[Span]) -> bytes:
        """The bytes of `[start, end)` outside of `spans`, and the replacement of each that begins there."""
        if not spans:
            return self.buffer[start:end]
        parts = []
        at = start
        for span in spans:
            if span.end <= start or span.start >= end:
                continue
            parts.append(self.buffer[at : max(at, span.start)])
            if span.start >= start:
                parts.append(span.replacement)
            at = min(span.end, end)
        parts.append(self.buffer[at:end])
        return b"".join(parts)
