"""Bodies whose secrets are found by looking at whole documents: the events of a stream, JSON under rules with paths.

The rule: as `stream.py`'s, with a document as what is held back. A stream's event goes on when it is whole; a JSON body
under path rules when it is over, its lines each when they are.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence

from replayer.match.jsonpath import JsonPath
from replayer.redact.conversation import Conversation, Released
from replayer.redact.cut import Piece, Waiting
from replayer.redact.documents import selected
from replayer.redact.find import Finder, Span, merged, moved
from replayer.redact.stream import StreamRedactor

__all__ = ["DocumentRedactor", "EventRedactor"]

LARGEST_EVENT = 4 << 20
"""Bytes; a stream whose event grows beyond is searched as bytes from there on."""
_EOL = rb"(?:\r\n|\n|\r(?!\n))"
_END_OF_EVENT = re.compile(_EOL + _EOL + b"+")
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")


class EventRedactor:
    """Server-sent events."""

    def __init__(self, finder: Finder, paths: Sequence[JsonPath]) -> None:
        self._finder = finder
        self._conversation = Conversation(finder, paths)
        self._waiting = Waiting(context=0)
        self._sizes: deque[int] = deque()  # of events that were fed and are not yet released
        self._fed = 0  # bytes of the buffer that are in them
        self._searched = 0
        self._chunks = 0
        self._plain: StreamRedactor | None = None

    @property
    def replaced(self) -> int:
        """Secrets taken out so far."""
        return self._conversation.replaced + (self._plain.replaced if self._plain else 0)

    def feed(self, chunk: bytes, number: int | None = None) -> list[Piece]:
        """What is decided now that `chunk` has come."""
        number = self._chunks if number is None else number
        self._chunks = number + 1
        if self._plain is not None:
            return self._plain.feed(chunk, number)
        self._waiting.add(number, chunk)
        released: list[Released] = []
        buffer = self._waiting.buffer
        while end := _END_OF_EVENT.search(buffer, max(self._fed, self._searched)):
            # A line break at the very end may be followed by another one: that is an event without content.
            released += self._event(buffer[self._fed : end.end()])
        self._searched = max(self._fed, len(buffer) - 3)
        pieces = self._decide(released)
        if len(self._waiting.buffer) - self._fed > LARGEST_EVENT:
            pieces += self._give_up()
        return pieces

    def finish(self) -> list[Piece]:
        """The stream is over, perhaps in the middle of an event."""
        if self._plain is not None:
            return self._plain.finish()
        released = []
        if rest := self._waiting.buffer[self._fed :]:
            released = self._event(rest)
        return self._decide([*released, *self._conversation.finish()])

    def find(self, body: bytes) -> list[Span]:
        """The secrets of a whole stream, at their places in it; for a redactor that was fed nothing."""
        self._waiting.add(0, body)
        released: list[Released] = []
        starts = [0]
        for end in [*(end.end() for end in _END_OF_EVENT.finditer(body)), len(body)]:
            if end > self._fed:
                released += self._event(body[self._fed : end])
                starts.append(end)
        released += self._conversation.finish()
        return [moved(span, starts[one.number]) for one in released for span in one.spans]

    def _event(self, event: bytes) -> list[Released]:
        self._sizes.append(len(event))
        self._fed += len(event)
        name, document = _document(event)
        return self._conversation.feed(event, by=name, document=document)

    def _decide(self, released: list[Released]) -> list[Piece]:
        spans: list[Span] = []
        limit = 0
        for one in released:
            spans += [moved(span, limit) for span in one.spans]
            limit += self._sizes.popleft()
        pieces = self._waiting.decide(limit, spans) if limit or not self._waiting.buffer else []
        self._fed -= limit
        self._searched = max(0, self._searched - limit)
        return pieces

    def _give_up(self) -> list[Piece]:
        pieces = self._decide(self._conversation.finish())
        self._plain = StreamRedactor(self._finder)
        for number, data in self._waiting.take():
            pieces += self._plain.feed(data, number)
        return pieces


class DocumentRedactor:
    """A JSON body, or JSON lines."""

    def __init__(self, finder: Finder, paths: Sequence[JsonPath], *, lines: bool) -> None:
        self._finder = finder
        self._paths = paths
        self._lines = lines
        self._waiting = Waiting(context=0)
        self._held: list[tuple[int, bytes]] = []
        self._chunks = 0
        self.replaced = 0
        """Secrets taken out so far."""

    def feed(self, chunk: bytes, number: int | None = None) -> list[Piece]:
        """What is decided now that `chunk` has come: of JSON lines those that are whole, of a document nothing."""
        number = self._chunks if number is None else number
        self._chunks = number + 1
        self._held.append((number, chunk))
        if not self._lines or b"\n" not in chunk:
            return []
        self._add()
        return self._decide(self._waiting.buffer.rfind(b"\n") + 1)

    def finish(self) -> list[Piece]:
        """The body is over."""
        self._add()
        return self._decide(len(self._waiting.buffer))

    def _add(self) -> None:
        self._waiting.add_all(self._held)
        self._held = []

    def _decide(self, limit: int) -> list[Piece]:
        decided = self._waiting.buffer[:limit]
        spans = self._finder.spans(decided, 0)
        whole = [] if self._lines else selected(decided, self._paths)
        if not whole:
            at = 0
            for line in decided.splitlines(keepends=True):
                whole += selected(line, self._paths, offset=at)
                at += len(line)
        spans = merged([*spans, *whole])
        self.replaced += len(spans)
        return self._waiting.decide(limit, spans)


def _document(event: bytes) -> tuple[str, bytes]:
    """The event's name, and its data at their own offsets: what is not data is blank, and so are breaks of lines."""
    name = ""
    parts = []
    for line in _LINE.finditer(event):
        text, end = line.groups()
        if text.startswith(b"data:"):
            parts.append(b"     " + text[5:] + b" " * len(end))
        else:
            if text.startswith(b"event:"):
                name = text[6:].strip().decode("utf-8", "replace")
            parts.append(b" " * (len(text) + len(end)))
    return name, b"".join(parts)
