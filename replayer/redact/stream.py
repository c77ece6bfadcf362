"""One body, redacted while it passes: chunks in, redacted pieces of those chunks out.

The rule: a piece that has been given out holds no secret, whatever comes next. So the end of what has arrived is held
back while a secret may be growing there: nothing ordinarily, never more than a few KiB; a token or a named value that
grows beyond that is already known to be a secret, is replaced, and the rest of it swallowed.
"""

from __future__ import annotations

import re
from typing import Protocol

from replayer.redact.cut import Piece, Waiting
from replayer.redact.find import Finder, Span
from replayer.redact.forms import inside_string

__all__ = ["BodyRedactor", "Piece", "StreamRedactor"]

_CONTEXT = 192
"""Bytes before the undecided ones that are kept: what stands before a secret helps to tell where it begins."""


class BodyRedactor(Protocol):
    """What redacts one body while it passes."""

    @property
    def replaced(self) -> int:
        """Secrets taken out so far."""

    def feed(self, chunk: bytes, number: int | None = None) -> list[Piece]:
        """What is decided now that `chunk` has come; without `number` it is the next one's."""

    def finish(self) -> list[Piece]:
        """The body is over: everything that was held back."""


class StreamRedactor:
    """Feed it the chunks of one body, then `finish`. `lead` is what stands before the body, and is not given out."""

    def __init__(self, finder: Finder, *, lead: bytes = b"") -> None:
        self._finder = finder
        self._waiting = Waiting(context=_CONTEXT)
        self._waiting.buffer, self._waiting.start = lead, len(lead)
        self._chunks = 0
        self._swallowing: re.Pattern[bytes] | None = None
        self._carried = b""  # the beginning of an escape sequence that is swallowed, or ends the swallowing
        self._inside = False  # whether the buffer begins inside a JSON string: asked where secrets are numbers
        self._behind = False  # whether what was decided last is a secret
        self.replaced = 0
        """Secrets taken out so far."""

    @property
    def undecided(self) -> int | None:
        """The number of the first chunk of which something is held back."""
        return self._waiting.first

    def feed(self, chunk: bytes, number: int | None = None) -> list[Piece]:
        """What is decided now that `chunk` has come; the rest follows with later chunks."""
        number = self._chunks if number is None else number
        self._chunks = number + 1
        # Every chunk has a piece, even one that is swallowed whole: its place in the order must not be lost.
        waiting = self._waiting
        waiting.add(number, self._swallow(chunk) if self._swallowing else chunk)
        spans = self._spans()
        pieces = self._decide(self._limit(spans), spans)
        if len(waiting.buffer) - waiting.start > self._finder.longest:
            pieces += self._cut_long_secret()
        return pieces

    def finish(self) -> list[Piece]:
        """The body is over: everything that was held back."""
        if self._waiting.first is None:
            return []
        return self._decide(len(self._waiting.buffer), self._spans())

    def _spans(self) -> list[Span]:
        return self._finder.spans(self._waiting.buffer, self._waiting.start, inside=self._inside, behind=self._behind)

    def _swallow(self, chunk: bytes) -> bytes:
        """What is left of `chunk` behind a secret that began in an earlier one."""
        assert self._swallowing is not None
        left = _left(self._swallowing, self._carried + chunk, 0)
        if left.strip(b"\\"):
            self._swallowing, self._carried = None, b""
            return left
        self._carried = left
        return b""

    def _limit(self, spans: list[Span]) -> int:
        """Up to where the buffer is decided."""
        buffer = self._waiting.buffer
        ends = {span.end for span in spans}
        if self._behind:
            ends.add(self._waiting.start)
        limit = self._finder.growing_from(buffer, self._waiting.start, ends)
        for span in spans:
            if span.start >= limit:
                break
            if span.end > limit or _goes_on(span, buffer):
                limit = span.start
        return limit

    def _cut_long_secret(self) -> list[Piece]:
        """Replace a secret that is longer than what may be held back, and swallow the rest of it as it comes."""
        buffer, start = self._waiting.buffer, self._waiting.start
        spans = self._spans()
        last = spans[-1] if spans else None
        if last is not None and last.grows and _goes_on(last, buffer) and not buffer[-1:].isspace():
            self._swallowing, self._carried = last.grows, _left(last.grows, buffer, last.end)
            whole = Span(last.start, len(buffer), last.replacement, last.grows, last.rule)
            return self._decide(len(buffer), [*spans[:-1], whole])
        return self._decide(max(start, len(buffer) - self._finder.longest), spans)

    def _decide(self, limit: int, spans: list[Span]) -> list[Piece]:
        self.replaced += sum(span.end <= limit for span in spans)
        buffer = self._waiting.buffer
        if limit > self._waiting.start:
            self._behind = any(span.end == limit for span in spans)
        pieces = self._waiting.decide(limit, spans)
        if self._finder.has_numbers:
            cut = len(buffer) - len(self._waiting.buffer)
            self._inside = inside_string(buffer, cut, begun=self._inside)
        return pieces


def _goes_on(span: Span, buffer: bytes) -> bool:
    """Whether the secret may take in what comes behind the buffer."""
    return span.grows is not None and not _left(span.grows, buffer, span.end).strip(b"\\")


def _left(grows: re.Pattern[bytes], data: bytes, at: int) -> bytes:
    """What stands behind a secret that goes on at `at`: if only backslashes, they may be half an escape sequence."""
    match = grows.match(data, at)
    return data[match.end() if match else at :]
