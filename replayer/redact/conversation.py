"""Messages in their order (events of a stream, frames of a connection), with texts that go on from one to the next.

A model writes a secret a few letters a message: no message holds it, together they do. So the texts that providers
stream piece by piece are searched as one, each in a channel of its own; what is no JSON is such a text as a whole.
The rule: a message is given out in its order, when nothing in it can still become part of a secret, and at the latest
`HOLD` messages later. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from replayer.match.jsonpath import JsonPath, Place
from replayer.redact.documents import apply, growing_texts, selected
from replayer.redact.find import Finder, Span, merged
from replayer.redact.stream import StreamRedactor

__all__ = ["HOLD", "Conversation", "Released"]

HOLD = 32
"""A text that no message has gone on with for so many messages is over."""
_LARGE = 1 << 20
"""Bytes of a message from which it is searched alone."""
_TELLING = ("type", "index", "item_id", "output_index", "content_index", "jobId", "job_id", "stream")
"""Fields that tell apart texts which stand at the same place."""


class Released(NamedTuple):
    """A message that may be written: its number, and what has to be cut out of it."""

    number: int
    spans: list[Span]


@dataclass(slots=True)
class _Text:
    """A text of one message: where it stands, and what of its channel's output belongs to it."""

    channel: Hashable
    start: int
    end: int
    said: bytes
    is_json: bool
    parts: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Message:
    number: int
    spans: list[Span]
    texts: list[_Text]


class Conversation:
    """Feed it message after message, then `finish`."""

    def __init__(self, finder: Finder, paths: Sequence[JsonPath]) -> None:
        self._finder = finder
        self._paths = paths
        self._waiting: deque[_Message] = deque()
        self._channels: dict[Hashable, StreamRedactor] = {}
        self._last: dict[Hashable, int] = {}
        self._count = 0
        self.replaced = 0
        """Secrets taken out of what was released."""

    def feed(self, message: bytes, *, by: str, document: bytes | None = None, text: bool = True) -> list[Released]:
        """A message by somebody; `document` is the JSON in it, at the same offsets, where that is not all of it.

        With `text` what is no JSON goes on from message to message.
        """
        number, self._count = self._count, self._count + 1
        spans = self._finder.spans(message, 0)
        if document is None:
            document = message
        texts: list[_Text] = []
        if document[:64].lstrip()[:1] in (b"{", b"["):
            if self._paths:
                spans = merged([*spans, *selected(document, self._paths)])
            if len(message) < _LARGE:
                texts = self._texts(document, by)
        elif text and len(message) < _LARGE:
            at = len(document) - len(document.lstrip(b" ")) if document is not message else 0
            end = len(document.rstrip()) if document is not message else len(message)
            if at < end:
                texts = [_Text((by,), at, end, message[at:end], is_json=False)]
        entry = _Message(number, spans, texts)
        self._waiting.append(entry)
        for one in texts:
            self._say(one, number)
        self._let_go(number)
        return self._released()

    def finish(self) -> list[Released]:
        """No more comes."""
        for channel in list(self._channels):
            self._end(channel)
        return self._released()

    def _texts(self, document: bytes, by: str) -> list[_Text]:
        found = list(growing_texts(document))
        if not found:
            return []
        value = orjson.loads(document)
        return [
            _Text((by, leaf.place, _told_apart(value, leaf.place)), leaf.start, leaf.end, text.encode(), is_json=True)
            for leaf, text in found
        ]

    def _say(self, text: _Text, number: int) -> None:
        channel = self._channels.get(text.channel)
        if channel is None:
            channel = self._channels[text.channel] = StreamRedactor(self._finder)
        self._last[text.channel] = number
        self._take(text.channel, channel.feed(text.said, number))

    def _let_go(self, number: int) -> None:
        """Channels that were silent for long are over."""
        if number % 8:
            return
        for channel in [one for one, last in self._last.items() if number - last > HOLD]:
            self._end(channel)

    def _end(self, channel: Hashable) -> None:
        self._take(channel, self._channels[channel].finish())
        del self._channels[channel], self._last[channel]

    def _take(self, channel: Hashable, pieces: Sequence[tuple[int, bytes]]) -> None:
        first = self._waiting[0].number if self._waiting else 0
        for number, data in pieces:
            for text in self._waiting[number - first].texts:
                if text.channel == channel:
                    text.parts.append(data)

    def _released(self) -> list[Released]:
        out = []
        while self._waiting and all(self._is_over(text, self._waiting[0].number) for text in self._waiting[0].texts):
            message = self._waiting.popleft()
            spans = message.spans
            for text in message.texts:
                spans = self._with(spans, text)
            self.replaced += len(spans)
            out.append(Released(message.number, spans))
        return out

    def _is_over(self, text: _Text, number: int) -> bool:
        channel = self._channels.get(text.channel)
        return channel is None or channel.undecided is None or channel.undecided > number

    def _with(self, spans: list[Span], text: _Text) -> list[Span]:
        """What its channel found takes the place of what was found in the message alone."""
        left = b"".join(text.parts)
        if left == text.said:
            return spans
        written = orjson.dumps(left.decode("utf-8", "replace")) if text.is_json else left
        written = apply(written, self._finder.spans(written, 0))
        others = [span for span in spans if span.end <= text.start or span.start >= text.end]
        return merged([*others, Span(text.start, text.end, written, rule="a text across messages")])


def _told_apart(value: Any, place: Place) -> tuple[Any, ...]:
    """The values of the telling fields on the way to a place."""
    told = []
    for step in place:
        if isinstance(value, dict):
            told += [value[name] for name in _TELLING if isinstance(value.get(name), str | int)]
        value = value[step]
    return tuple(told)
