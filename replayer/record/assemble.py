"""Events of one exchange in, an interaction out. Pure.

The rule: nothing false. Without a response head there is no interaction; without an `Ended` the end is `lost`. Headers
that described only the wire (hop by hop, and the encoding that was undone) are not stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from replayer.cassette.long import LongInteraction
from replayer.cassette.model import Chunk, End, Frame, Headers, Interaction, Request, Response, header
from replayer.record.events import Ended, Event, RequestChunk, RequestHead, ResponseChunk, ResponseHead

__all__ = ["Outline", "assemble", "assemble_long", "outline", "stored_headers"]

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110, 7.6.1: fields of one hop. `Proxy-Authorization` is a secret and is redacted, not dropped."""


def stored_headers(headers: Iterable[tuple[str, str]], *, encoding: str | None = None) -> Headers:
    """Names in lower case, without what belongs to the hop or to us (`Replayer-…`).

    With `encoding` (the body was decoded), also without `content-encoding`.
    """
    dropped = HOP_BY_HOP | {"content-encoding"} if encoding else HOP_BY_HOP
    lowered = ((name.lower(), value) for name, value in headers)
    return tuple((n, value) for n, value in lowered if n not in dropped and not n.startswith("replayer-"))


def assemble(events: Iterable[Event]) -> Interaction | None:
    """The interaction that the events tell of, or None where no answer had begun."""
    events = tuple(events)
    told = outline(events)
    if told is None:
        return None
    sent, received = b"".join(_sent(events)), b"".join(_received(events))
    request, response = told.interaction.request, told.interaction.response
    frames = None if response.frames is None else tuple(_frames(events))
    return replace(
        told.interaction,
        request=replace(request, body=sent if told.sent else None),
        response=replace(response, body=received if told.received else b"", frames=frames),
    )


def assemble_long(events: Callable[[], Iterable[Event]]) -> LongInteraction | None:
    """The same where it is too long for memory: the events are gone through again whenever a part is asked for."""
    told = outline(events())
    if told is None:
        return None
    return LongInteraction(
        outline=told.interaction,
        sent=(lambda: _sent(events())) if told.sent else None,
        received=(lambda: _received(events())) if told.received else None,
        frames=None if told.interaction.response.frames is None else lambda: _frames(events()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """An interaction without its bodies and frames, and how many bytes of bodies there are."""

    interaction: Interaction
    sent: int
    received: int


def outline(events: Iterable[Event]) -> Outline | None:
    """Go through the events and keep nothing of what may be long; None where no answer had begun."""
    request: RequestHead | None = None
    response: ResponseHead | None = None
    sent = 0
    chunks: list[Chunk] = []
    last = -1
    ended = Ended(end=End.LOST)
    for event in events:
        match event:
            case RequestHead():
                request = event
            case RequestChunk():
                sent += len(event.data)
            case ResponseHead():
                response = event
            case ResponseChunk():
                # Pieces of one chunk follow each other; the sizes of chunks add up to the body.
                if event.chunk == last:
                    chunks[-1] = Chunk(chunks[-1].at, chunks[-1].size + len(event.data))
                else:
                    chunks.append(Chunk(event.at, len(event.data)))
                last = event.chunk
            case Ended():
                ended = event
    if request is None or response is None:
        return None
    if ended.omitted is not None:
        chunks = []
    if ended.request_omitted is not None:
        sent = 0
    received = sum(chunk.size for chunk in chunks)
    asked = Request(method=request.method, uri=request.uri, headers=request.headers, omitted=ended.request_omitted)
    answered = Response(
        status=response.status,
        reason=response.reason,
        headers=_with_length(response, received, request.method, ended),
        at=request.at,
        chunks=tuple(chunks),
        encoding=response.encoding,
        end=ended.end,
        omitted=ended.omitted,
        frames=() if _is_websocket(request, response) else None,
    )
    return Outline(interaction=Interaction(request=asked, response=answered), sent=sent, received=received)


def _sent(events: Iterable[Event]) -> Iterator[bytes]:
    return (event.data for event in events if isinstance(event, RequestChunk))


def _received(events: Iterable[Event]) -> Iterator[bytes]:
    return (event.data for event in events if isinstance(event, ResponseChunk))


def _frames(events: Iterable[Event]) -> Iterator[Frame]:
    return (event for event in events if isinstance(event, Frame))


def _with_length(head: ResponseHead, length: int, method: str, ended: Ended) -> Headers:
    """`content-length` tells the stored body's length where the body is whole.

    Where it was cut, the promise that was not kept stays; so does the length that HEAD and 304 only speak of.
    """
    spoken_of = method == "HEAD" or head.status in (204, 304) or ended.omitted is not None
    if header(head.headers, "content-length") is None or ended.end is not End.COMPLETE or spoken_of:
        return head.headers
    return tuple((name, str(length) if name == "content-length" else value) for name, value in head.headers)


def _is_websocket(request: RequestHead, head: ResponseHead) -> bool:
    return head.status == 101 and request.uri.startswith(("ws:", "wss:"))
