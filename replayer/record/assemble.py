"""Events of one exchange in, an interaction out. Pure.

The rule: nothing false. Without a response head there is no interaction; without an `Ended` the end is `lost`. Headers
that described only the wire (hop by hop, and the encoding that was undone) are not stored.
"""

from __future__ import annotations

from collections.abc import Iterable

from replayer.cassette.model import Chunk, End, Frame, Headers, Interaction, Request, Response, header
from replayer.record.events import Ended, Event, RequestChunk, RequestHead, ResponseChunk, ResponseHead

__all__ = ["assemble", "stored_headers"]

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
    request: RequestHead | None = None
    response: ResponseHead | None = None
    sent: list[bytes] = []
    received: list[ResponseChunk] = []
    frames: list[Frame] = []
    ended = Ended(end=End.LOST)
    for event in events:
        match event:
            case RequestHead():
                request = event
            case RequestChunk():
                sent.append(event.data)
            case ResponseHead():
                response = event
            case ResponseChunk():
                received.append(event)
            case Frame():
                frames.append(event)
            case Ended():
                ended = event
    if request is None or response is None:
        return None
    asked = Request(
        method=request.method,
        uri=request.uri,
        headers=request.headers,
        body=b"".join(sent) if sent else None,
    )
    return Interaction(request=asked, response=_response(request, response, received, frames, ended))


def _response(
    request: RequestHead, head: ResponseHead, received: list[ResponseChunk], frames: list[Frame], ended: Ended
) -> Response:
    kept = received if ended.omitted is None else []
    body = b"".join(piece.data for piece in kept)
    return Response(
        status=head.status,
        reason=head.reason,
        headers=_with_length(head, len(body), request.method, ended),
        body=body,
        at=request.at,
        chunks=_chunks(kept),
        encoding=head.encoding,
        end=ended.end,
        omitted=ended.omitted,
        frames=tuple(frames) if _is_websocket(request, head) else None,
    )


def _chunks(received: list[ResponseChunk]) -> tuple[Chunk, ...]:
    """Pieces joined into chunks; their sizes add up to the body."""
    chunks: list[Chunk] = []
    last = -1
    for piece in received:
        if piece.chunk == last:
            chunks[-1] = Chunk(chunks[-1].at, chunks[-1].size + len(piece.data))
        else:
            chunks.append(Chunk(piece.at, len(piece.data)))
        last = piece.chunk
    return tuple(chunks)


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
