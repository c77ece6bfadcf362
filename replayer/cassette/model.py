"""The nouns: a cassette is a sequence of interactions; an interaction is one HTTP exchange or one WebSocket connection.

Values only. They keep what was on the wire after redaction: bodies decoded, header names in lower case where we
recorded them, repeated headers repeated. Times are milliseconds; each says since when. Nothing here knows YAML, files
or sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from replayer.value import value

__all__ = [
    "Cassette",
    "Chunk",
    "End",
    "Frame",
    "FrameKind",
    "Headers",
    "Interaction",
    "Metadata",
    "Omitted",
    "Origin",
    "Problem",
    "Request",
    "Response",
    "Sender",
    "header",
]

Headers = tuple[tuple[str, str], ...]
"""Header fields in their order on the wire; a repeated field stands repeated."""


def header(headers: Headers, name: str) -> str | None:
    """The first value of the field `name` (any case), or None."""
    wanted = name.lower()
    length = len(wanted)
    for field_name, said in headers:
        # Most fields differ in their length: this is asked several times of every request.
        if len(field_name) == length and field_name.lower() == wanted:
            return said
    return None


class Origin(StrEnum):
    """Where a cassette came from. It is never a lie."""

    RECORDED = "recorded"
    IMPORTED = "imported"
    STUB = "stub"


class End(StrEnum):
    """How an exchange ended while it was recorded."""

    COMPLETE = "complete"
    UPSTREAM_LOST = "upstream-lost"
    CLIENT_LEFT = "client-left"
    LOST = "lost"
    """The recorder was killed in the middle."""
    OPEN = "open"
    """The connection was still open when recording stopped."""


class Sender(StrEnum):
    """Who sent a frame."""

    CLIENT = "client"
    SERVER = "server"


class FrameKind(StrEnum):
    """What a WebSocket message is."""

    TEXT = "text"
    BINARY = "binary"
    CLOSE = "close"


class Chunk(NamedTuple):
    """A timed piece of a body."""

    at: float
    """Milliseconds from the request's first byte."""
    size: int
    """Bytes of the stored body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One WebSocket message, directed and timed."""

    at: float
    """Milliseconds from the 101."""
    sender: Sender
    kind: FrameKind
    text: str = ""
    """The payload of a text frame, or the reason of a close."""
    data: bytes = b""
    """The payload of a binary frame."""
    code: int = 0
    """The code of a close; 1006 where the connection was aborted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """A body that was passed through and not stored."""

    bytes: int
    sha256: str


@value(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked. `body` is None where there was none to speak of (vcrpy's null)."""

    method: str
    uri: str
    """Absolute: scheme, host, path and query. `ws:` or `wss:` for a WebSocket."""
    headers: Headers = ()
    body: bytes | None = None
    omitted: Omitted | None = None
    """A body that was passed through and not stored; `body` is None then."""


@value(frozen=True, slots=True, kw_only=True)
class Response:
    """What was answered: a body with its boundaries, or the frames of a connection."""

    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""
    """Decoded: content and transfer encodings are undone."""
    at: float | None = None
    """Milliseconds since the file's first request: the order of playing. None where nobody measured."""
    chunks: tuple[Chunk, ...] = ()
    """Sizes add up to `len(body)`; empty where nobody measured."""
    encoding: str | None = None
    """The content encoding that was on the wire."""
    end: End = End.COMPLETE
    omitted: Omitted | None = None
    frames: tuple[Frame, ...] | None = None
    """The messages of a WebSocket connection; None for an HTTP exchange."""
    stub: Mapping[str, Any] | None = None
    """What loosens a hand-written interaction."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys of other tools inside `response`, kept as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One HTTP exchange or one WebSocket connection."""

    request: Request
    response: Response
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys of other tools inside the interaction, kept as they were."""

    @property
    def is_websocket(self) -> bool:
        return self.response.frames is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a cassette says of itself."""

    origin: Origin
    recorded_at: str | None = None
    """RFC 3339."""
    tool: str | None = None
    upstreams: Mapping[str, str] = field(default_factory=dict)
    """Name to base URL of what was recorded."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Other tools' keys of the top-level `metadata`, kept as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a file that was left out or mended while loading; the rest of the file works."""

    index: int | None
    """Of the entry in the file, from 0; None for the file."""
    message: str
    lost: bool = False
    """The entry is not among the interactions: writing the file anew would lose it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """A file of interactions. `metadata` is None where the file has none of ours."""

    interactions: tuple[Interaction, ...] = ()
    metadata: Metadata | None = None
    problems: tuple[Problem, ...] = ()
