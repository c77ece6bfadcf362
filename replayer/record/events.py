"""What happens in one exchange, in the words of the recorder: redacted already, one event a line in the spool.

An interaction is put together from these events alone (`assemble.py`), whether they waited in memory, in the spool of
this run, or in the spool that a killed run left behind. A WebSocket message is an event as it is: `Frame`.
"""

from __future__ import annotations

from dataclasses import dataclass

from replayer.cassette.model import End, Frame, Headers, Omitted

__all__ = ["Ended", "Event", "RequestChunk", "RequestHead", "ResponseChunk", "ResponseHead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """The first event of every exchange."""

    at: float
    """Milliseconds since the file's first request."""
    method: str
    uri: str
    headers: Headers
    session: str = ""
    """What `Replayer-Session` named: which file the interaction goes to, where a run is split by session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestChunk:
    """A piece of the request's body, decoded."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseHead:
    """Status and headers; a WebSocket's is a 101."""

    status: int
    reason: str
    headers: Headers
    encoding: str | None
    """The content encoding on the wire, if it was undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseChunk:
    """A piece of a chunk of the response's body, decoded. Pieces of one chunk follow each other."""

    chunk: int
    """Number of the chunk, from 0."""
    at: float
    """Of the chunk: milliseconds from the request's first byte."""
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last event; an exchange without it was lost."""

    end: End
    omitted: Omitted | None = None
    request_omitted: Omitted | None = None


Event = RequestHead | RequestChunk | ResponseHead | ResponseChunk | Frame | Ended
