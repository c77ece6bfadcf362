"""Samples: what cassettes show of a service, operation by operation and channel by channel.

What `infer` describes and `drift` compares. Learned from what is whole: a cut body, an omitted one, a stub's template
say nothing of a service's structure. Reads no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from replayer.cassette.model import End, Frame, FrameKind, Interaction, Request, Response, Sender
from replayer.cassette.sse import is_whole, split_events
from replayer.contract.media import EVENT_STREAM, is_json, media_type
from replayer.contract.message import Unreadable, parse
from replayer.contract.shape import Shape
from replayer.contract.stream import Kind, Stream, event_of, kind_of
from replayer.contract.template import template_of
from replayer.contract.uri import parts_of

__all__ = ["Answers", "Bodies", "ChannelSamples", "Key", "OperationSamples", "Samples", "key_of"]

_NO_MEDIA = ""


class Key(NamedTuple):
    """An operation, or a channel (`method` is `WEBSOCKET`)."""

    method: str
    host: str
    """With the scheme: `https://api.openai.com`."""
    path: str
    """Template."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class Bodies:
    """Bodies of one media type."""

    count: int = 0
    shape: Shape = field(default_factory=Shape)
    """Of JSON; without samples where it is none."""
    stream: Stream = field(default_factory=Stream)
    """Of `text/event-stream`."""

    def learn(self, media: str, body: bytes, *, whole: bool) -> None:
        self.count += 1
        if media == EVENT_STREAM:
            pieces = split_events(body)
            if pieces and not whole and not is_whole(pieces[-1]):
                pieces.pop()
            self.stream.learn(filter(None, map(event_of, pieces)), whole=whole)
        elif is_json(media) and whole:
            value = parse(body)
            if not isinstance(value, Unreadable):
                self.shape.learn(value)


@dataclass(slots=True)
class Answers:
    """The answers of one status."""

    count: int = 0
    bodies: dict[str, Bodies] = field(default_factory=dict)
    """By media type; `""` where there was none."""


@dataclass(slots=True)
class OperationSamples:
    """One method of one path template."""

    key: Key
    count: int = 0
    variables: int = 0
    query: dict[str, int] = field(default_factory=dict)
    """Names, with how many requests had each."""
    requests: dict[str, Bodies] = field(default_factory=dict)
    answers: dict[int, Answers] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    """The first few interactions."""

    def learn(self, request: Request, response: Response, where: str) -> None:
        self.count += 1
        if len(self.places) < 5:
            self.places.append(where)
        names = {name for name, _ in parse_qsl(parts_of(request.uri).query, keep_blank_values=True)}
        for name in names:
            self.query[name] = self.query.get(name, 0) + 1
        media = media_type(request.headers, request.body or b"") if request.body else None
        self.requests.setdefault(media or _NO_MEDIA, Bodies()).learn(
            media or _NO_MEDIA, request.body or b"", whole=True
        )
        self.learn_answer(response)

    def learn_answer(self, response: Response) -> None:
        """One more answer."""
        answers = self.answers.setdefault(response.status, Answers())
        answers.count += 1
        if response.omitted is not None:
            return
        media = (media_type(response.headers, response.body) if response.body else None) or _NO_MEDIA
        whole = response.end is End.COMPLETE
        answers.bodies.setdefault(media, Bodies()).learn(media, response.body, whole=whole)


@dataclass(slots=True)
class ChannelSamples:
    """The connections to one path."""

    key: Key
    count: int = 0
    directions: dict[Sender, Stream] = field(default_factory=dict)
    opaque: int = 0
    """Messages that are no JSON."""
    places: list[str] = field(default_factory=list)

    def learn(self, frames: tuple[Frame, ...], where: str) -> None:
        self.count += 1
        if len(self.places) < 5:
            self.places.append(where)
        for sender in Sender:
            messages: list[tuple[Kind, Any]] = []
            for frame in frames:
                if frame.sender is not sender or frame.kind is FrameKind.CLOSE:
                    continue
                value = parse(frame.text if frame.kind is FrameKind.TEXT else frame.data)
                if isinstance(value, Unreadable) or frame.kind is FrameKind.BINARY:
                    self.opaque += 1
                else:
                    messages.append((kind_of(value), value))
            if messages:
                self.directions.setdefault(sender, Stream()).learn(messages, whole=False)


@dataclass(slots=True)
class Samples:
    """All that was learned."""

    operations: dict[Key, OperationSamples] = field(default_factory=dict)
    channels: dict[Key, ChannelSamples] = field(default_factory=dict)
    interactions: int = 0
    left_out: int = 0
    """Stubs whose answers are templates."""

    def learn(self, interactions: Iterable[tuple[str, Interaction]]) -> Samples:
        """Take in interactions, by the places that reports name; itself."""
        for where, interaction in interactions:
            request, response = interaction.request, interaction.response
            if response.stub is not None and {"template", "events"} & set(response.stub):
                self.left_out += 1
                continue
            self.interactions += 1
            key = key_of(interaction)
            if response.frames is not None:
                self.channels.setdefault(key, ChannelSamples(key)).learn(response.frames, where)
            else:
                self.operations.setdefault(key, OperationSamples(key)).learn(request, response, where)
        return self

    def keys(self) -> Iterator[Key]:
        """Of operations, then channels."""
        yield from self.operations
        yield from self.channels


def key_of(interaction: Interaction) -> Key:
    """The operation or channel that an interaction is a sample of."""
    parts = parts_of(interaction.request.uri)
    method = "WEBSOCKET" if interaction.is_websocket else interaction.request.method.upper()
    host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""
    return Key(method, host, template_of(parts.path or "/"))
